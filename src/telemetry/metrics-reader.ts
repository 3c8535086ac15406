import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Endpoint } from '../endpoint/endpoint.ts';
import type { Service } from '../service.ts';
import { Fairness } from './fairness.ts';
import { liveServices } from './live-services.ts';
import {
  type Attributes,
  type CountMetric,
  type Counts,
  type Metric,
  type OriginReading,
  PROTOCOL_VERSIONS,
  type ProtocolVersion,
  protocolAttributes,
  type ReadMetric,
} from './metrics.ts';
import { Total } from './total.ts';

/** One value of a metric. */
export interface Point {
  readonly attributes: Attributes;
  readonly value: number;
}

export interface MetricsReaderOptions {
  /** Tells endpoints apart, where a metric can. */
  readonly byEndpoint: boolean;
  /** A connection has closed. */
  onConnectionClosed(attributes: Attributes, seconds: number): void;
  /** No agent knows the origin any more that these attributes are of. */
  onForgotten?(attributes: readonly Attributes[]): void;
}

interface ConnectionMessage {
  readonly origin: string;
  readonly reason: string;
  /** Milliseconds. */
  readonly age: number;
  readonly protocol: 'h1' | 'h2';
}

/** One origin: who serves it now, and what has happened to it. */
class OriginRecord implements OriginReading {
  readonly server: Attributes;
  services: Service[] = [];
  ejections = 0;
  discoveryErrors = 0;
  readonly retirements = new Map<string, number>();
  readonly retries = new Map<string, number>();
  readonly #fairness = new Fairness();

  constructor(origin: string) {
    const { protocol, hostname, port } = new URL(origin);
    this.server = {
      'server.address': hostname.replace(/^\[|\]$/g, ''),
      'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
      'url.scheme': protocol.slice(0, -1),
    };
  }

  fairness(): number | undefined {
    return this.#fairness.read(this.services);
  }

  connectionAttributes(version: ProtocolVersion): Attributes {
    return { ...this.server, ...protocolAttributes(version) };
  }
}

/**
 * Reads the metrics of all agents in this process when they are collected, so that a request costs
 * nothing. Only rare events are counted as they come, from `start` to `stop`.
 */
export class MetricsReader {
  readonly #options: MetricsReaderOptions;
  readonly #origins = new Map<string, OriginRecord>();
  readonly #totals = new Map<Metric, ReadonlyMap<string, Total<Counts>>>();
  readonly #listeners: Record<string, (message: unknown) => void> = {
    'evenkeel:connection:close': (message) => this.#onClosed(message as ConnectionMessage),
    'evenkeel:connection:retire': (message) => {
      const { origin, reason } = message as ConnectionMessage;
      increment(this.#record(origin)?.retirements, reason);
    },
    'evenkeel:request:retry': (message) => {
      const { origin, reason } = message as { origin: string; reason: string };
      increment(this.#record(origin)?.retries, reason);
    },
    'evenkeel:endpoint:eject': (message) => {
      const record = this.#record((message as { origin: string }).origin);
      if (record !== undefined) record.ejections++;
    },
    'evenkeel:discovery:error': (message) => {
      const record = this.#record((message as { origin: string }).origin);
      if (record !== undefined) record.discoveryErrors++;
    },
  };

  constructor(options: MetricsReaderOptions) {
    this.#options = options;
  }

  start(): void {
    for (const [name, listener] of Object.entries(this.#listeners)) subscribe(name, listener);
  }

  stop(): void {
    for (const [name, listener] of Object.entries(this.#listeners)) unsubscribe(name, listener);
    this.#origins.clear();
    this.#totals.clear();
  }

  /** The present values of a metric, one for each set of attributes, by a key that stands for these. */
  read(metric: Metric): ReadonlyMap<string, Point> {
    this.#attend();
    return 'count' in metric ? this.#readCounts(metric) : this.#readValues(metric);
  }

  #readValues(metric: ReadMetric): Map<string, Point> {
    const points = new Map<string, { attributes: Attributes; value: number }>();
    const byEndpoint = this.#options.byEndpoint && metric.byEndpoint;
    for (const record of this.#origins.values()) {
      metric.read(record, (value, own, endpoint) => {
        const peer = byEndpoint && endpoint !== undefined ? peerAttributes(endpoint) : undefined;
        const attributes = { ...record.server, ...own, ...peer };
        const key = keyOf(attributes);
        const known = points.get(key);
        if (known === undefined) points.set(key, { attributes, value });
        else known.value += value;
      });
    }
    return points;
  }

  #readCounts(metric: CountMetric): Map<string, Point> {
    const before = this.#totals.get(metric);
    const groups = new Map<string, { attributes: Attributes; total: Total<Counts>; sources: Counts[] }>();
    const add = (source: Counts, attributes: Attributes) => {
      const key = keyOf(attributes);
      const group = groups.get(key);
      if (group !== undefined) group.sources.push(source);
      else groups.set(key, { attributes, total: before?.get(key) ?? new Total(), sources: [source] });
    };
    const byEndpoint = this.#options.byEndpoint && metric.byEndpoint;
    for (const { server, services } of this.#origins.values()) {
      for (const service of services) {
        if (byEndpoint) {
          for (const endpoint of service.pool.all) add(endpoint, { ...server, ...peerAttributes(endpoint) });
        } else {
          add(service, server);
        }
      }
    }
    const totals = new Map<string, Total<Counts>>();
    const points = new Map<string, Point>();
    for (const [key, { attributes, total, sources }] of groups) {
      totals.set(key, total);
      points.set(key, { attributes, value: total.read(sources, (source) => source[metric.count]) });
    }
    this.#totals.set(metric, totals);
    return points;
  }

  /** Takes in who serves which origin now, and forgets those that nobody does. */
  #attend(): void {
    for (const record of this.#origins.values()) record.services = [];
    for (const service of liveServices) {
      const { origin } = service.url;
      const record = this.#origins.get(origin) ?? new OriginRecord(origin);
      record.services.push(service);
      this.#origins.set(origin, record);
    }
    for (const [origin, record] of this.#origins) {
      if (record.services.length > 0) continue;
      this.#origins.delete(origin);
      this.#options.onForgotten?.(PROTOCOL_VERSIONS.map((version) => record.connectionAttributes(version)));
    }
  }

  #onClosed({ origin, age, protocol }: ConnectionMessage): void {
    const record = this.#record(origin);
    if (record === undefined) return;
    this.#options.onConnectionClosed(
      record.connectionAttributes(protocol === 'h2' ? '2' : '1.1'),
      age / 1_000,
    );
  }

  /** None for origins of another copy of evenkeel, which shares the channels. */
  #record(origin: string): OriginRecord | undefined {
    if (!this.#origins.has(origin)) this.#attend();
    return this.#origins.get(origin);
  }
}

function peerAttributes({ info, identity }: Endpoint): Attributes {
  const peer = { 'network.peer.address': info.address, 'network.peer.port': info.port };
  return identity === undefined ? peer : { ...peer, 'evenkeel.endpoint.identity': identity };
}

function keyOf(attributes: Attributes): string {
  return Object.values(attributes).join(' ');
}

function increment(counts: Map<string, number> | undefined, key: string): void {
  counts?.set(key, (counts.get(key) ?? 0) + 1);
}
