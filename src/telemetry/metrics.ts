import { RETRY_REASONS } from '../core/calls/settings.ts';
import { RETIRE_REASONS } from '../core/connections/retire-reason.ts';
import type { Endpoint } from '../core/endpoints/endpoint.ts';
import type { LiveService } from '../core/service.ts';

export type Attributes = Record<string, string | number>;

/** What is known about one origin, from all agents. */
export interface OriginReading {
  /** The services that serve it now; none if it was called in the past only. */
  readonly services: ReadonlySet<LiveService>;
  /** How many events there were since metrics are collected. */
  readonly ejections: number;
  readonly discoveryErrors: number;
  readonly retirements: ReadonlyMap<string, number>;
  readonly retries: ReadonlyMap<string, number>;
  fairness(): number | undefined;
}

/**
 * Takes a value. Values with the same attributes are added up. If wanted, the address of an endpoint is added to the
 * attributes.
 */
export type Emit = (value: number, attributes?: Attributes, endpoint?: Endpoint) => void;

/** A metric that is read when metrics are collected. */
export type Metric = ReadMetric | CountMetric;

interface MetricFacts {
  /**
   * The name in OpenTelemetry. If it begins with `http`, it is from
   * https://opentelemetry.io/docs/specs/semconv/http/http-metrics/
   */
  readonly name: string;
  readonly kind: 'counter' | 'upDownCounter' | 'gauge';
  readonly unit: string;
  readonly description: string;
  /** Its attributes, without those of the server. */
  readonly attributes: readonly string[];
  /** Whether it can tell endpoints apart. */
  readonly byEndpoint: boolean;
}

/** A metric with a present value. */
export interface ReadMetric extends MetricFacts {
  read(origin: OriginReading, emit: Emit): void;
}

/** The counts that each service and each endpoint keeps. */
export type Counts = Pick<LiveService & Endpoint, (typeof COUNTS)[number]>;

export const COUNTS = ['requests', 'failures'] as const;

/** A metric that is the sum of such counts. */
export interface CountMetric extends MetricFacts {
  readonly kind: 'counter';
  readonly byEndpoint: true;
  readonly count: keyof Counts;
}

const STATE = 'http.connection.state';
const PROTOCOL = 'network.protocol.version';
const ENDPOINT_STATE = 'evenkeel.endpoint.state';
const ENDPOINT_KIND = 'evenkeel.endpoint.kind';
const SOURCE = 'evenkeel.discovery.source';
const RETIRE_REASON = 'evenkeel.retire.reason';
const RETRY_REASON = 'evenkeel.retry.reason';

export const METRICS: readonly Metric[] = [
  {
    name: 'http.client.open_connections',
    kind: 'upDownCounter',
    unit: '{connection}',
    description: 'Number of outbound HTTP connections that are currently active or idle on the client.',
    attributes: [STATE, PROTOCOL],
    byEndpoint: true,
    read({ services }, emit) {
      for (const { endpoints } of services) {
        for (const endpoint of endpoints) {
          for (const { busy, multiplexed } of endpoint.connections) {
            const protocol = multiplexed ? '2' : '1.1';
            emit(Number(busy), { [STATE]: 'active', [PROTOCOL]: protocol }, endpoint);
            emit(Number(!busy), { [STATE]: 'idle', [PROTOCOL]: protocol }, endpoint);
          }
        }
      }
    },
  },
  {
    name: 'http.client.active_requests',
    kind: 'upDownCounter',
    unit: '{request}',
    description:
      'Number of active HTTP requests, those that wait for a connection included; event streams aside.',
    attributes: [],
    byEndpoint: false,
    read({ services }, emit) {
      for (const { running, waiting } of services) emit(running + waiting);
    },
  },
  {
    name: 'evenkeel.pending_requests',
    kind: 'upDownCounter',
    unit: '{request}',
    description: 'Number of requests that wait for a connection.',
    attributes: [],
    byEndpoint: false,
    read({ services }, emit) {
      for (const { waiting } of services) emit(waiting);
    },
  },
  {
    name: 'evenkeel.requests',
    kind: 'counter',
    unit: '{request}',
    description: 'Requests given to endpoints; one that is sent again counts again.',
    attributes: [],
    byEndpoint: true,
    count: 'requests',
  },
  {
    name: 'evenkeel.request.failures',
    kind: 'counter',
    unit: '{request}',
    description: 'Requests that the endpoint failed: its connection did, or it answered 502, 503 or 504.',
    attributes: [],
    byEndpoint: true,
    count: 'failures',
  },
  {
    name: 'evenkeel.request.retries',
    kind: 'counter',
    unit: '{retry}',
    description: 'Times a request was sent again, to another endpoint.',
    attributes: [RETRY_REASON],
    byEndpoint: false,
    read({ retries }, emit) {
      for (const reason of RETRY_REASONS) emit(0, { [RETRY_REASON]: reason });
      for (const [reason, count] of retries) emit(count, { [RETRY_REASON]: reason });
    },
  },
  {
    name: 'evenkeel.endpoints',
    kind: 'upDownCounter',
    unit: '{endpoint}',
    description:
      'Number of endpoints, by state, by who named them, and by whether they are pods or places of a virtual IP.',
    attributes: [ENDPOINT_STATE, ENDPOINT_KIND, SOURCE],
    byEndpoint: true,
    read({ services }, emit) {
      for (const { endpoints, discovery } of services) {
        const { source } = discovery;
        const kind = endpoints.seesPods ? 'pod' : 'virtual';
        const counted = new Set(endpoints.known);
        for (const endpoint of endpoints) if (endpoint.isDraining) counted.add(endpoint);
        for (const endpoint of counted) {
          const state = endpoint.condition;
          emit(1, { [ENDPOINT_STATE]: state, [ENDPOINT_KIND]: kind, [SOURCE]: source }, endpoint);
        }
        // These stand for pods whose number isn't known.
        for (const endpoint of endpoints.nameless) {
          const state = endpoint.condition;
          emit(1, { [ENDPOINT_STATE]: state, [ENDPOINT_KIND]: 'virtual', [SOURCE]: source }, endpoint);
        }
      }
    },
  },
  {
    name: 'evenkeel.endpoint.ejections',
    kind: 'counter',
    unit: '{ejection}',
    description: 'Times an endpoint was ejected for its failures.',
    attributes: [],
    byEndpoint: false,
    read: ({ ejections }, emit) => emit(ejections),
  },
  {
    name: 'evenkeel.connection.retirements',
    kind: 'counter',
    unit: '{connection}',
    description: 'Connections that were retired: they take no more requests, and close when they are done.',
    attributes: [RETIRE_REASON],
    byEndpoint: false,
    read({ retirements }, emit) {
      for (const reason of RETIRE_REASONS) emit(0, { [RETIRE_REASON]: reason });
      for (const [reason, count] of retirements) emit(count, { [RETIRE_REASON]: reason });
    },
  },
  {
    name: 'evenkeel.discovery.errors',
    kind: 'counter',
    unit: '{error}',
    description: 'Times nothing newer could be learned of the endpoints.',
    attributes: [],
    byEndpoint: false,
    read: ({ discoveryErrors }, emit) => emit(discoveryErrors),
  },
  {
    name: 'evenkeel.fairness',
    kind: 'gauge',
    unit: '1',
    description:
      "Jain's index of the requests to each endpoint since the last collection: 1 when all had as many, 1/n when one of n had all.",
    attributes: [],
    byEndpoint: false,
    read(origin, emit) {
      const fairness = origin.fairness();
      if (fairness !== undefined) emit(fairness);
    },
  },
];

/** Recorded when a connection closes. */
export const CONNECTION_DURATION = {
  name: 'http.client.connection.duration',
  unit: 's',
  description: 'The duration of the successfully established outbound HTTP connections.',
  attributes: [PROTOCOL],
  byEndpoint: false,
  /** The buckets that the convention recommends. */
  buckets: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300],
} as const;

/** Recorded when an attempt has ended. If a request is sent again, each attempt is recorded. */
export const REQUEST_DURATION = {
  name: 'http.client.request.duration',
  unit: 's',
  description: 'Duration of HTTP client requests.',
  attributes: ['http.request.method', 'http.response.status_code', 'error.type', PROTOCOL],
  byEndpoint: true,
  /** The buckets that the convention recommends. */
  buckets: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
} as const;

export const PROTOCOL_VERSIONS = ['1.1', '2'] as const;

export type ProtocolVersion = (typeof PROTOCOL_VERSIONS)[number];

export function protocolAttributes(version: ProtocolVersion): Attributes {
  return { [PROTOCOL]: version };
}

export function peerAttributes({ info, identity }: Endpoint): Attributes {
  const peer = { 'network.peer.address': info.address, 'network.peer.port': info.port };
  return identity === undefined ? peer : { ...peer, 'evenkeel.endpoint.identity': identity };
}
