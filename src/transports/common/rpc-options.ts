/**
 * The options of an agent that have a meaning for calls of gRPC and of Connect: which pods there are, which one is
 * picked, and how long connections live.
 */
export const RPC_OPTIONS = [
  'clock',
  'connectionDurationJitter',
  'connections',
  'discovery',
  'dns',
  'hosts',
  'kubernetes',
  'locality',
  'maxConnectionDuration',
  'maxSpread',
  'mesh',
  'originIdleTimeout',
  'outlierDetection',
  'peakEwma',
  'policy',
  'random',
  'slowStart',
  'spread',
  'subset',
] as const;
