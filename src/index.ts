import './transports/undici/global/inert.ts';

export type { RetryOptions } from './config/call-options.ts';
export type {
  PeakEwmaOptions,
  RingHashOptions,
  SlowStartOptions,
  SubsetOptions,
} from './config/choice-options.ts';
export type { DnsOptions, KubernetesOptions } from './config/discovery-options.ts';
export type { Duration } from './config/duration.ts';
export type { HealthCheckOptions, OutlierDetectionOptions } from './config/health-options.ts';
export type { BalancedAgentOptions } from './config/options.ts';
export type { Candidate, Observation, Picker, PickerFactory } from './core/balancing/picker.ts';
export type { Clock, Timer } from './core/base/clock.ts';
export { EvenkeelError, NoEndpointsError, QueueFullError, ResolverError } from './core/base/errors.ts';
export type { RetryReason } from './core/calls/settings.ts';
export type { RetireReason } from './core/connections/retire-reason.ts';
export type { EndpointAddress, Resolution, Resolver, ResolveTarget } from './core/discovery/resolver.ts';
export { staticResolver } from './core/discovery/static.ts';
export type { Condition as EndpointState } from './core/endpoints/condition.ts';
export type { Outcome } from './core/health/outcome.ts';
export type { EjectReason, FailureKind, RestoreReason } from './core/health/settings.ts';
export { install, uninstall } from './install.ts';
export type {
  ChannelMessages,
  ConnectionMessage,
  DiscoveryErrorMessage,
  DiscoveryUpdateMessage,
  EndpointAddMessage,
  EndpointEjectMessage,
  EndpointRemoveMessage,
  EndpointRestoreMessage,
  RequestEndMessage,
  RequestRetryMessage,
  RequestStartMessage,
} from './observe/channel-messages.ts';
export type { ObserveReport, OriginReport } from './observe/report.ts';
export type { AddressTraffic, ClientName as ObservedClient } from './observe/traffic.ts';
export { type IdentifiedServer, identify } from './servers/identify.ts';
export { stats } from './telemetry/live-agents.ts';
export type { EndpointStats, ServiceStats } from './telemetry/stats.ts';
export { BalancedAgent } from './transports/undici/agent.ts';
