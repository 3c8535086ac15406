/**
 * For how many milliseconds idle connections last, to a server that answers with this header.
 *
 * @param timeout the agent's option, in milliseconds; 0: it has none
 * @param buffer by how many milliseconds a connection ends before the server would end it
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
