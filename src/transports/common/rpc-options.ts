/**
 * The options of an agent that mean something to calls of gRPC and of Connect alike: which pods there are, which of them is
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
