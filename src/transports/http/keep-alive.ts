/**
 * Milliseconds for which idle connections last of a server that answers with that header.
 *
 * @param timeout those of the agent's option of that name; 0: it has none
 * @param buffer those that are left between the end of an idle connection here and at its server
 */
export function keepAliveOf(
  header: string | undefined,
  fallback: number,
  timeout: number,
  buffer: number,
): number {
  const [, seconds] = /^timeout=(\d+)/.exec(header ?? '') ?? [];
  const hinted = seconds === undefined ? fallback : Number(seconds) * 1_000 - buffer;
  return timeout > 0 ? Math.min(hinted, timeout) : hinted;
}
