export const RETIRE_REASONS = [
  'max-duration',
  'max-requests',
  'endpoint-removed',
  'idle',
  'closed-by-peer',
  /** While it was idle, a response came that no request had asked for. */
  'unasked-response',
  'error',
  'upgrade',
  'service-closed',
  /** Another connection to the same pod takes its place. */
  'replaced',
  /** It failed, behind a virtual IP. A new connection may lead to another pod. */
  'outlier',
] as const;

/** Why a connection takes no more requests. */
export type RetireReason = (typeof RETIRE_REASONS)[number];
