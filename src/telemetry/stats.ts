import { ticksOf } from '../core/base/ticks.ts';
import type { Pod } from '../core/connections/connection.ts';
import type { Discovery } from '../core/discovery/discovery.ts';
import type { Endpoint } from '../core/endpoints/endpoint.ts';
import { type Durations, quantile, sumOf } from '../core/endpoints/latency.ts';
import { FULL, namesOf } from '../core/endpoints/reasons.ts';
import type { Service } from '../core/service.ts';

export interface EndpointStats {
  address: string;
  /**
   * The name that a pod behind a virtual IP gave itself. If some pods have none, one row without `identity` counts the
   * requests of all of them.
   */
  identity?: string;
  state: string;
  /** How many connections take requests. */
  connections: number;
  inFlight: number;
  requests: number;
  failures: number;
  /**
   * 50 % and 99 % of the requests of the last minute took at most this many milliseconds (give or take a tenth), from the
   * moment they were sent to the end of the response. Event streams and upgraded sockets don't count. `undefined`: there
   * were no requests.
   */
  p50: number | undefined;
  p99: number | undefined;
  /** How many connections were opened, and how many retired. */
  opened: number;
  retired: number;
  zone: string | undefined;
  /** Why it gets no requests or no connections now: `ejected`, `backing-off`, `cold`, … Empty: it gets its share. */
  reasons: string[];
  /** If it is ejected: its last failure, and for how many milliseconds more (`Infinity`: until its health checks pass). */
  ejection?: { reason: string; remaining: number };
  /** If evenkeel could not connect to it the last time: the code of the error, `ECONNREFUSED` for example. */
  dialError?: string;
}

/** undici's numbers for an origin, and what evenkeel adds. */
export interface ServiceStats {
  connected: number;
  free: number;
  pending: number;
  queued: number;
  /** Includes requests on endpoints that have left. */
  running: number;
  size: number;
  /** In JSON, an error is its name, code and message. */
  discovery: { source: string; endpoints: number; updatedAt: number | undefined; error: Error | null };
  /** With `locality`: which share of the requests went to another zone, from 0 to 1. */
  crossZone?: number;
  /** The same as for an endpoint, for all endpoints together. */
  p50: number | undefined;
  p99: number | undefined;
  endpoints: EndpointStats[];
}

/** The recent durations behind a row, which are needed to merge rows. */
const recentOf = new WeakMap<EndpointStats, Durations>();

export function statsOf({ endpoints, waiting, running, discovery, pool, clock }: Service): ServiceStats {
  let free = 0;
  const rowsOf = (known: Iterable<Pod>) =>
    Array.from(known, (endpoint) => {
      for (const connection of endpoint.connections) if (connection.room) free++;
      const { opened, retirements, backoff } = endpoint;
      return rowOf(endpoint, { opened, retired: retirements, backoff }, clock.now());
    });
  const rows = rowsOf(endpoints.known);
  const nameless = rowsOf(endpoints.nameless);
  // Each of these may lead to any pod without a name. So there is one row for all of them.
  if (nameless.length > 0) rows.push(nameless.reduce(mergedRow));
  const crossZone = pool.locality?.crossZoneShare;
  return statsOfRows(rows, { free, waiting, running, discovery, crossZone });
}

/** What is known about a service, beside its endpoints. */
export interface Counts {
  /** How many connections have room. */
  readonly free: number;
  readonly waiting: number;
  readonly running: number;
  readonly discovery: Pick<Discovery, 'source' | 'updatedAt' | 'error'>;
  readonly crossZone: number | undefined;
}

/** The stats of a service, from those of its endpoints. */
export function statsOfRows(rows: EndpointStats[], counts: Counts): ServiceStats {
  const { free, waiting, running, crossZone } = counts;
  const { source, updatedAt, error } = counts.discovery;
  return {
    connected: rows.reduce((sum, { connections }) => sum + connections, 0),
    free,
    pending: waiting,
    queued: waiting,
    running,
    size: waiting + running,
    discovery: serializable({ source, endpoints: rows.length, updatedAt, error }),
    ...(crossZone === undefined ? undefined : { crossZone }),
    ...quantilesOf(recentOfAll(rows)),
    endpoints: rows,
  };
}

/** What the maker of connections knows about an endpoint. */
export interface Connected {
  /** How many connections were made, and how many retired, since the start. */
  readonly opened: number;
  readonly retired: number;
  /** Set if its last dial failed. */
  readonly backoff?: { readonly error: Error } | undefined;
}

/** The row of one endpoint, at a moment of the clock. */
export function rowOf(
  endpoint: Endpoint,
  { opened, retired, backoff }: Connected,
  now: number,
): EndpointStats {
  const recent = endpoint.latency.recent(ticksOf(now));
  const ejection = endpoint.health?.ejection;
  const row = {
    address: endpoint.address,
    ...(endpoint.identity === undefined ? undefined : { identity: endpoint.identity }),
    state: endpoint.condition,
    connections: endpoint.connected,
    inFlight: endpoint.inFlight,
    requests: endpoint.requests,
    failures: endpoint.failures,
    ...quantilesOf(recent),
    opened,
    retired,
    zone: endpoint.info.zone,
    reasons: whyNot(endpoint),
    ...(ejection && { ejection: { reason: ejection.reason, remaining: ejection.until - now } }),
    ...(backoff && { dialError: (backoff.error as NodeJS.ErrnoException).code ?? backoff.error.name }),
  };
  if (recent !== undefined) recentOf.set(row, recent);
  return row;
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}

function recentOfAll(rows: readonly EndpointStats[]): Durations | undefined {
  const all = rows.map((row) => recentOf.get(row)).filter((durations) => durations !== undefined);
  return all.length === 0 ? undefined : sumOf(all);
}

function quantilesOf(recent: Durations | undefined): Pick<EndpointStats, 'p50' | 'p99'> {
  if (recent === undefined) return { p50: undefined, p99: undefined };
  return { p50: rounded(quantile(recent, 0.5)), p99: rounded(quantile(recent, 0.99)) };
}

/** Why an endpoint isn't picked now, or isn't dialled. Without a connection, `full` says nothing new. */
function whyNot({ connected, reasons }: Endpoint): string[] {
  return namesOf(connected > 0 ? reasons : reasons & ~FULL);
}

/** The stats of an origin with several services: with different TLS names, or for HTTP/1.1 alone. */
export function mergedStats(all: readonly ServiceStats[]): ServiceStats {
  const [first, ...others] = all as readonly [ServiceStats, ...ServiceStats[]];
  if (others.length === 0) return first;
  const rows = new Map<string, EndpointStats>();
  for (const { endpoints } of all) {
    // Endpoints with the address of a virtual IP are told apart by their order.
    const seen = new Map<string, number>();
    for (const row of endpoints) {
      const name = `${row.address} ${row.identity ?? ''}`;
      const turn = (seen.get(name) ?? 0) + 1;
      seen.set(name, turn);
      const key = `${name} ${turn}`;
      const known = rows.get(key);
      rows.set(key, known === undefined ? row : mergedRow(known, row));
    }
  }
  const endpoints = [...rows.values()];
  const sum = (name: 'connected' | 'free' | 'pending' | 'queued' | 'running' | 'size') =>
    all.reduce((total, stats) => total + stats[name], 0);
  const { discovery } = all.reduce((a, b) =>
    (b.discovery.updatedAt ?? 0) > (a.discovery.updatedAt ?? 0) ? b : a,
  );
  discovery.endpoints = endpoints.length;
  const crossZone = crossZoneOf(all);
  return {
    connected: sum('connected'),
    free: sum('free'),
    pending: sum('pending'),
    queued: sum('queued'),
    running: sum('running'),
    size: sum('size'),
    discovery,
    ...(crossZone === undefined ? undefined : { crossZone }),
    ...quantilesOf(recentOfAll(endpoints)),
    endpoints,
  };
}

function mergedRow(a: EndpointStats, b: EndpointStats): EndpointStats {
  const both = recentOfAll([a, b]);
  const row = {
    // The state is that of the service with more connections.
    ...(b.connections > a.connections ? b : a),
    connections: a.connections + b.connections,
    inFlight: a.inFlight + b.inFlight,
    requests: a.requests + b.requests,
    failures: a.failures + b.failures,
    ...quantilesOf(both),
    opened: a.opened + b.opened,
    retired: a.retired + b.retired,
  };
  if (both !== undefined) recentOf.set(row, both);
  return row;
}

/** Weighted by the requests of each service. */
function crossZoneOf(all: readonly ServiceStats[]): number | undefined {
  let requests = 0;
  let crossing = 0;
  let share: number | undefined;
  for (const { crossZone, endpoints } of all) {
    if (crossZone === undefined) continue;
    const own = endpoints.reduce((total, row) => total + row.requests, 0);
    requests += own;
    crossing += own * crossZone;
    share = requests === 0 ? crossZone : crossing / requests;
  }
  return share;
}

type DiscoveryStats = ServiceStats['discovery'];

/** JSON would drop the message of an error, and keep only its other fields, which may be anything. */
function serializable(stats: DiscoveryStats): DiscoveryStats {
  return Object.defineProperty(stats, 'toJSON', { value: toJSON });
}

function toJSON(this: DiscoveryStats) {
  if (this.error === null) return this;
  const { name, code, message } = this.error as NodeJS.ErrnoException;
  return { ...this, error: { name, code, message } };
}
