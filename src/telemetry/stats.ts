import type { Endpoint } from '../endpoint/endpoint.ts';

export interface EndpointStats {
  address: string;
  /** What a pod behind a virtual IP calls itself, where `identityHeader` tells. */
  identity?: string;
  state: string;
  /** Connections that take requests. */
  connections: number;
  inFlight: number;
  requests: number;
  failures: number;
  /** Connections ever opened, and retired. */
  opened: number;
  retired: number;
  zone: string | undefined;
}

/** undici's numbers for a pool, and what evenkeel adds. */
export interface ServiceStats {
  connected: number;
  free: number;
  pending: number;
  queued: number;
  /** Those on endpoints included that have left. */
  running: number;
  size: number;
  /** In JSON, an error is its name, code and message. */
  discovery: { source: string; endpoints: number; updatedAt: number | undefined; error: Error | null };
  /** With `locality`: the share of requests that went to another zone. */
  crossZone?: number;
  endpoints: EndpointStats[];
}

export function statsOf(
  endpoints: Iterable<Endpoint>,
  waiting: number,
  running: number,
  discovery: { source: string; updatedAt: number | undefined; error: Error | null },
  crossZone?: number,
): ServiceStats {
  let connected = 0;
  let free = 0;
  const rows: EndpointStats[] = [];
  for (const endpoint of endpoints) {
    connected += endpoint.connected;
    for (const connection of endpoint.connections) if (connection.room) free++;
    rows.push({
      address: endpoint.address,
      ...(endpoint.identity === undefined ? undefined : { identity: endpoint.identity }),
      state: endpoint.condition,
      connections: endpoint.connected,
      inFlight: endpoint.inFlight,
      requests: endpoint.requests,
      failures: endpoint.failures,
      opened: endpoint.opened,
      retired: endpoint.retired,
      zone: endpoint.info.zone,
    });
  }
  return {
    connected,
    free,
    pending: waiting,
    queued: waiting,
    running,
    size: waiting + running,
    discovery: serializable({
      source: discovery.source,
      endpoints: rows.length,
      updatedAt: discovery.updatedAt,
      error: discovery.error,
    }),
    ...(crossZone === undefined ? undefined : { crossZone }),
    endpoints: rows,
  };
}

type DiscoveryStats = ServiceStats['discovery'];

/** JSON has nothing of an error, but for what somebody has put on it, which may be anything. */
function serializable(stats: DiscoveryStats): DiscoveryStats {
  return Object.defineProperty(stats, 'toJSON', { value: toJSON });
}

function toJSON(this: DiscoveryStats) {
  if (this.error === null) return this;
  const { name, code, message } = this.error as NodeJS.ErrnoException;
  return { ...this, error: { name, code, message } };
}
