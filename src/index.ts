import './global/inert.ts';

export { BalancedAgent } from './agent.ts';
export type { Candidate, Observation, Picker, PickerFactory } from './balancing/picker.ts';
export type { Clock, Timer } from './clock.ts';
export type { Duration } from './config/duration.ts';
export type {
  BalancedAgentOptions,
  DnsOptions,
  HealthCheckOptions,
  KubernetesOptions,
  OutlierDetectionOptions,
  PeakEwmaOptions,
  RetryOptions,
  RingHashOptions,
  SlowStartOptions,
} from './config/options.ts';
export type { FailureKind, RetryReason } from './config/settings.ts';
export type { EndpointAddress, Resolution, Resolver, ResolveTarget } from './discovery/resolver.ts';
export { staticResolver } from './discovery/static.ts';
export { EvenkeelError, NoEndpointsError, QueueFullError, ResolverError } from './errors.ts';
export { install, uninstall } from './global/install.ts';
