import type { Clock, Timer } from '../../clock.ts';
import { Changes } from '../changes.ts';
import { ApiError } from './api.ts';
import type { ApiClient, WatchEvent } from './api-client.ts';
import { ListWatch } from './list-watch.ts';
import type { ServiceName } from './match.ts';
import { ServiceReader } from './service-reader.ts';
import type { ServiceSpec } from './service-spec.ts';
import { parseSlice, type Slice, type SliceObject } from './slice.ts';
import { SliceSet } from './slice-set.ts';

const LONGEST_HOLD = 2_000;
const HOPELESS_AFTER = 60_000;
const OUT_OF_TOUCH_AFTER = 600_000;

/** How a Service stands, at one moment. */
export type ServiceState =
  | {
      readonly name: 'unavailable';
      /** Why; none while the first list is under way. */
      readonly error: Error | undefined;
    }
  | {
      readonly name: 'available';
      /** `'absent'`: there's no Service by that name. */
      readonly spec: ServiceSpec | 'absent';
      readonly slices: readonly Slice[];
      /** Some endpoint is in two of them. */
      readonly overlap: boolean;
      /** Why changes don't arrive at the moment. */
      readonly error: Error | undefined;
    };

type Available = Extract<ServiceState, { name: 'available' }>;

export interface ServiceWatchOptions {
  client: ApiClient;
  service: ServiceName;
  clock: Clock;
  random: () => number;
  /** Milliseconds over which the first request is spread at random. */
  startSpread: number;
  onSlice: (slice: Slice) => void;
  /** A request failed, and is tried again. */
  onFailure: (error: Error) => void;
}

interface Failure {
  readonly error: Error;
  readonly since: number;
  readonly count: number;
}

/** Follows one Service: watches its EndpointSlices, and reads the Service itself when they change shape. */
export class ServiceWatch {
  readonly changes = new Changes();
  readonly #options: ServiceWatchOptions;
  readonly #abort = new AbortController();
  readonly #reader: ServiceReader;
  readonly #slices = new SliceSet();
  #shape: readonly string[] | undefined;
  /** A list has come and no watch since. */
  #listed = false;
  /** While a new shape waits for the Service that explains it, nothing is published. */
  #hold: Timer | undefined;
  #spec: ServiceSpec | 'absent' | undefined;
  #published: Pick<Available, 'spec' | 'slices' | 'overlap'> | undefined;
  #watchFailure: Failure | undefined;
  #readFailure: Failure | undefined;

  constructor(options: ServiceWatchOptions) {
    const { client, service, clock, random, startSpread } = options;
    this.#options = options;
    this.#reader = new ServiceReader({
      client,
      service,
      clock,
      random,
      onSpec: (spec) => this.#takeSpec(spec),
      onFailure: (error) => {
        this.#readFailure = this.#after(this.#readFailure, error);
        this.#announce(error);
      },
    });
    const selector = encodeURIComponent(`kubernetes.io/service-name=${service.name}`);
    const slices = new ListWatch<SliceObject>({
      client,
      path: `/apis/discovery.k8s.io/v1/namespaces/${service.namespace}/endpointslices?labelSelector=${selector}`,
      clock,
      random,
      startSpread,
      isHopeless: () => this.hopeless,
      listener: {
        onList: (items) => this.#takeList(items),
        onEvents: (events) => this.#takeEvents(events),
        onOpen: () => this.#takeOpen(),
        onFailure: (error) => {
          this.#watchFailure = this.#after(this.#watchFailure, error);
          this.#announce(error);
        },
      },
    });
    void slices.run(this.#abort.signal);
    void this.#reader.run(this.#abort.signal);
  }

  get state(): ServiceState {
    const error = this.#watchFailure?.error ?? this.#readFailure?.error;
    if (this.#published === undefined || this.#refused || this.#outOfTouch)
      return { name: 'unavailable', error };
    // One watch that breaks is everyday life.
    const lasting = this.#watchFailure !== undefined && this.#watchFailure.count > 1;
    return { name: 'available', ...this.#published, error: lasting ? error : undefined };
  }

  /** It was never to be seen, though it was tried for a while. */
  get hopeless(): boolean {
    return this.#published === undefined && this.#failsFor(HOPELESS_AFTER);
  }

  /** Reads the Service again: there's a reason to think that it changed. */
  readService(): void {
    this.#reader.read();
  }

  /** Whether a reading of the Service is under way. */
  get readsService(): boolean {
    return this.#reader.pending;
  }

  stop(): void {
    this.#abort.abort();
    this.#hold?.cancel();
  }

  get #refused(): boolean {
    return [this.#watchFailure?.error, this.#readFailure?.error].some(
      (error) => error instanceof ApiError && error.refused,
    );
  }

  get #outOfTouch(): boolean {
    return this.#failsFor(OUT_OF_TOUCH_AFTER);
  }

  #failsFor(time: number): boolean {
    const { clock } = this.#options;
    return this.#watchFailure !== undefined && clock.now() - this.#watchFailure.since >= time;
  }

  #after(before: Failure | undefined, error: Error): Failure {
    return {
      error,
      since: before?.since ?? this.#options.clock.now(),
      count: (before?.count ?? 0) + 1,
    };
  }

  #announce(error: Error): void {
    this.changes.add();
    this.#options.onFailure(error);
  }

  #takeOpen(): void {
    this.#recover();
    // The Service isn't watched, yet its policies may change: it is read anew with every list and watch.
    if (!this.#listed) this.#reader.read();
    this.#listed = false;
  }

  #recover(): void {
    if (this.#watchFailure === undefined) return;
    this.#watchFailure = undefined;
    this.changes.add();
  }

  #takeList(items: readonly SliceObject[]): void {
    this.#recover();
    this.#listed = true;
    this.#reader.read();
    const names = new Set(items.map(({ metadata }) => metadata?.name));
    for (const { name } of this.#slices.toArray()) if (!names.has(name)) this.#slices.delete(name);
    for (const item of items) this.#put(item);
    this.#takeSlices();
  }

  #takeEvents(events: readonly WatchEvent<SliceObject>[]): void {
    for (const { type, object } of events) {
      if (type === 'DELETED') this.#slices.delete(object.metadata?.name ?? '');
      else this.#put(object);
    }
    this.#takeSlices();
  }

  #put(object: SliceObject): void {
    const { name = '', resourceVersion } = object.metadata ?? {};
    if (resourceVersion !== undefined && this.#slices.get(name)?.version === resourceVersion) return;
    const slice = parseSlice(object);
    if (slice === undefined) {
      this.#slices.delete(name);
      return;
    }
    this.#slices.put(slice);
    this.#options.onSlice(slice);
  }

  #takeSlices(): void {
    const before = this.#shape;
    const { shape } = this.#slices;
    this.#shape = shape;
    if (before !== undefined) {
      const gained = lacks(before, shape);
      if (gained || lacks(shape, before)) this.#reader.read();
      if (gained) this.#hold ??= this.#options.clock.schedule(() => this.#release(), LONGEST_HOLD);
    }
    this.#publish();
  }

  #takeSpec(spec: ServiceSpec | 'absent'): void {
    this.#spec = spec;
    this.#readFailure = undefined;
    if (!this.#reader.pending) this.#release();
  }

  #release(): void {
    this.#hold?.cancel();
    this.#hold = undefined;
    this.#publish();
  }

  #publish(): void {
    if (this.#hold !== undefined || this.#spec === undefined) return;
    const { overlap } = this.#slices;
    this.#published = { spec: this.#spec, slices: this.#slices.toArray(), overlap };
    this.changes.add();
  }
}

function lacks(some: readonly string[], others: readonly string[]): boolean {
  return others.some((other) => !some.includes(other));
}
