/**
 * What does not tell that a process has something to do: connects under way, which include ours, and standard
 * streams, which are listed though they hold nothing.
 */
const IDLE = new Set(['ConnectWrap', 'PipeWrap', 'TTYWrap']);

/** Whether the process would go on without any connect that is under way. */
export function isProcessHeld(): boolean {
  return process.getActiveResourcesInfo().some((type) => !IDLE.has(type));
}
