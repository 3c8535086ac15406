export const RETIRE_REASONS = [
  'max-duration',
  'max-requests',
  'endpoint-removed',
  'idle',
  'closed-by-peer',
  'error',
  'upgrade',
  'service-closed',
  /** Another connection leads to the same pod. */
  'replaced',
  /** It fails, and leads to a virtual IP: another one may lead to another pod. */
  'outlier',
] as const;

/** Why a connection takes no more requests. */
export type RetireReason = (typeof RETIRE_REASONS)[number];
