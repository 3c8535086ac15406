let registered = false;

/** Calls `cleanUp` when the process ends, by a signal too. */
export function atExit(cleanUp: () => void): void {
  process.once('exit', cleanUp);
  if (registered) return;
  registered = true;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
}
