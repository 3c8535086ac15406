import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { millisecondsOf } from '../core/base/ticks.ts';
import { withoutBrackets } from '../core/base/without-brackets.ts';
import { hearOfAttempts, type OnAttemptEnd } from '../core/calls/telling.ts';
import type { Endpoint } from '../core/endpoints/endpoint.ts';
import { type LiveService, liveServices } from '../core/service.ts';
import { Fairness } from './fairness.ts';
import {
  type Attributes,
  COUNTS,
  type CountMetric,
  type Counts,
  type Metric,
  type OriginReading,
  PROTOCOL_VERSIONS,
  type ProtocolVersion,
  peerAttributes,
  protocolAttributes,
  type ReadMetric,
} from './metrics.ts';
import { RequestAttributes } from './request-attributes.ts';
import { Total } from './total.ts';

/**
 * For how many origins without a service counts are kept. A service that is called seldom comes and goes, but its
 * counters should stay.
 */
const MAX_PAST_ORIGINS = 100;

/** One value of a metric. */
export interface Point {
  readonly attributes: Attributes;
  readonly value: number;
}

/** A histogram of durations. */
export interface DurationHistogram {
  record(seconds: number, attributes: Attributes): void;
  /**
   * No service has this origin any more, and others have ended since, so its series can be dropped. Some histograms
   * can't do that.
   */
  forget?(attributes: Attributes): void;
}

export interface MetricsReaderOptions {
  /** Whether metrics tell endpoints apart, if they can. */
  readonly byEndpoint: boolean;
  /** How long connections lived. */
  readonly durations: DurationHistogram;
  /** How long requests took, if that is wanted. */
  readonly requests: DurationHistogram | undefined;
}

interface ConnectionMessage {
  readonly origin: string;
  readonly reason: string;
  /** In milliseconds. */
  readonly age: number;
  readonly protocol: 'h1' | 'h2';
}

/** One origin: the services that serve it now, and the events that were counted for it. */
class OriginRecord implements OriginReading {
  readonly server: Attributes;
  readonly services = new Set<LiveService>();
  readonly counts = { requests: new Total<Counts>(), failures: new Total<Counts>() };
  ejections = 0;
  discoveryErrors = 0;
  readonly retirements = new Map<string, number>();
  readonly retries = new Map<string, number>();
  readonly requestAttributes: RequestAttributes;
  readonly #fairness = new Fairness();

  constructor(origin: string) {
    const { protocol, hostname, port } = new URL(origin);
    this.server = {
      'server.address': withoutBrackets(hostname),
      'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
      'url.scheme': protocol.slice(0, -1),
    };
    this.requestAttributes = new RequestAttributes(this.server);
  }

  fairness(): number | undefined {
    return this.#fairness.read(this.services);
  }

  connectionAttributes(version: ProtocolVersion): Attributes {
    return { ...this.server, ...protocolAttributes(version) };
  }
}

/**
 * Reads the metrics of all agents in this process when they are collected, so that a request costs nothing. Only rare
 * events are counted when they happen, from `start` to `stop`.
 */
export class MetricsReader {
  readonly #options: MetricsReaderOptions;
  #unwatch: (() => void) | undefined;
  #deafen: (() => void) | undefined;
  readonly #origins = new Map<string, OriginRecord>();
  /** Origins without a service, in the order in which their services ended. */
  readonly #past = new Set<string>();
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
    this.#unwatch = liveServices.watch(
      (service) => this.#onServiceStarted(service),
      (service) => this.#onServiceEnded(service),
    );
    for (const [name, listener] of Object.entries(this.#listeners)) subscribe(name, listener);
    if (this.#options.requests !== undefined) this.#deafen = hearOfAttempts(this.#onAttemptEnd);
  }

  stop(): void {
    this.#unwatch?.();
    this.#deafen?.();
    for (const [name, listener] of Object.entries(this.#listeners)) unsubscribe(name, listener);
    this.#origins.clear();
    this.#past.clear();
    this.#totals.clear();
  }

  /** The present values of a metric, one for each set of attributes, by a key for that set. */
  read(metric: Metric): ReadonlyMap<string, Point> {
    if (!('count' in metric)) return this.#readValues(metric);
    return this.#options.byEndpoint ? this.#readEndpointCounts(metric) : this.#readCounts(metric);
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

  #readCounts({ count }: CountMetric): Map<string, Point> {
    const points = new Map<string, Point>();
    for (const { server, services, counts } of this.#origins.values()) {
      const value = counts[count].read(services, (service) => service[count]);
      points.set(keyOf(server), { attributes: server, value });
    }
    return points;
  }

  /** The counts of an endpoint go when the endpoint goes. */
  #readEndpointCounts(metric: CountMetric): Map<string, Point> {
    const before = this.#totals.get(metric);
    const groups = new Map<string, { attributes: Attributes; total: Total<Counts>; sources: Counts[] }>();
    for (const record of this.#origins.values()) {
      const { server, services } = record;
      const present = new Set<Endpoint | undefined>();
      for (const { endpoints } of services) {
        for (const endpoint of endpoints) {
          present.add(endpoint);
          const attributes = { ...server, ...peerAttributes(endpoint) };
          const key = keyOf(attributes);
          const group = groups.get(key);
          if (group !== undefined) group.sources.push(endpoint);
          else groups.set(key, { attributes, total: before?.get(key) ?? new Total(), sources: [endpoint] });
        }
      }
      this.#forgetRequests(record, (endpoint) => present.has(endpoint));
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

  #onServiceStarted(service: LiveService): void {
    this.#recordOf(service).services.add(service);
    this.#past.delete(service.url.origin);
  }

  #onServiceEnded(service: LiveService): void {
    const record = this.#recordOf(service);
    for (const count of COUNTS) record.counts[count].end(service, service[count]);
    record.services.delete(service);
    if (record.services.size > 0) return;
    this.#past.add(service.url.origin);
    if (this.#past.size > MAX_PAST_ORIGINS) this.#forget(this.#past.values().next().value!);
  }

  #recordOf({ url: { origin } }: LiveService): OriginRecord {
    const record = this.#origins.get(origin) ?? new OriginRecord(origin);
    this.#origins.set(origin, record);
    return record;
  }

  #forget(origin: string): void {
    const record = this.#origins.get(origin)!;
    this.#past.delete(origin);
    this.#origins.delete(origin);
    const { durations } = this.#options;
    for (const version of PROTOCOL_VERSIONS) durations.forget?.(record.connectionAttributes(version));
    this.#forgetRequests(record, () => false);
  }

  /** Called for each request, so it creates nothing. */
  readonly #onAttemptEnd: OnAttemptEnd = (attempt, endpoint, duration, outcome) => {
    const record = this.#record(endpoint.origin);
    if (record === undefined) return;
    const peer = this.#options.byEndpoint ? endpoint : undefined;
    const attributes = record.requestAttributes.of(attempt, outcome, peer);
    this.#options.requests?.record(millisecondsOf(duration) / 1_000, attributes);
  };

  #forgetRequests({ requestAttributes }: OriginRecord, isThere: (endpoint?: Endpoint) => boolean): void {
    for (const attributes of requestAttributes.forget(isThere)) this.#options.requests?.forget?.(attributes);
  }

  #onClosed({ origin, age, protocol }: ConnectionMessage): void {
    const record = this.#record(origin);
    if (record === undefined) return;
    const version = protocol === 'h2' ? '2' : '1.1';
    this.#options.durations.record(age / 1_000, record.connectionAttributes(version));
  }

  /** `undefined` for origins of another copy of evenkeel, which uses the same channels. */
  #record(origin: string): OriginRecord | undefined {
    return this.#origins.get(origin);
  }
}

function keyOf(attributes: Attributes): string {
  let key = '';
  for (const name in attributes) key += `${attributes[name]} `;
  return key;
}

function increment(counts: Map<string, number> | undefined, key: string): void {
  counts?.set(key, (counts.get(key) ?? 0) + 1);
}
