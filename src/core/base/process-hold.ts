/**
 * Resources that don't show that a process has something to do: connects under way, which may be evenkeel's own, and
 * standard streams, which are listed although they keep nothing alive.
 */
const IDLE = new Set(['ConnectWrap', 'PipeWrap', 'TTYWrap']);

/** Whether the process would stay alive without any connect that is under way. */
export function isProcessHeld(): boolean {
  return process.getActiveResourcesInfo().some((type) => !IDLE.has(type));
}
