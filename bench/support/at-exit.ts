const cleanUps: (() => void)[] = [];

/** Calls `cleanUp` when the process ends, by a signal too. */
export function atExit(cleanUp: () => void): void {
  cleanUps.push(cleanUp);
  if (cleanUps.length > 1) return;
  process.once('exit', () => {
    for (const each of cleanUps) each();
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
}
