import type { BalancingSettings } from './balancing/settings.ts';
import type { CallSettings } from './calls/settings.ts';
import type { ConnectionSettings } from './connections/settings.ts';
import type { DiscoverySettings } from './discovery/settings.ts';
import type { EndpointSettings } from './endpoints/settings.ts';
import type { HealthSettings } from './health/settings.ts';

/** What a service is told: what each of its parts is. */
export interface ServiceSettings
  extends DiscoverySettings,
    BalancingSettings,
    EndpointSettings,
    HealthSettings,
    ConnectionSettings,
    CallSettings {
  originIdleTimeout: number;
}
