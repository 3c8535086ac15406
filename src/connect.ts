import './transports/undici/global/inert.ts';

export type { EndpointStats, ServiceStats } from './telemetry/stats.ts';
export { type BalancedSessions, balancedSessions } from './transports/connect/balanced-sessions.ts';
export type { BalancedSessionsOptions } from './transports/connect/options.ts';
export { retryRefused } from './transports/connect/retry-refused.ts';
export type { SessionState } from './transports/connect/stock-sessions.ts';
