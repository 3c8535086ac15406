/** After so many milliseconds, a dial reports that its endpoint can't be reached now, but goes on. */
const PATIENCE = 3_000;

/**
 * After how many milliseconds an unanswered dial counts against its endpoint.
 *
 * @param timeout after how many milliseconds the dial times out; 0: never
 */
export function dialPatience(timeout: number): number {
  return Math.min(timeout || PATIENCE, PATIENCE);
}
