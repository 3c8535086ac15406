import { isDeepStrictEqual } from 'node:util';
import type { Clock, Timer } from '../../base/clock.ts';
import { Changes } from '../changes.ts';
import type { ApiClient, WatchEvent } from './api-client.ts';
import type { Complaints } from './complaints.ts';
import { Contact } from './contact.ts';
import { fits, ownSlices } from './fit.ts';
import { ListWatch } from './list-watch.ts';
import type { ServiceName } from './match.ts';
import type { Scouts } from './scouts.ts';
import { ServiceFollower, type ServiceNews } from './service-follower.ts';
import type { KnownService, ServiceSpec } from './service-spec.ts';
import { parseSlice, type Slice, type SliceObject } from './slice.ts';
import { SliceSet } from './slice-set.ts';

/** Changes on two watches come at nearly the same time, in milliseconds. */
const LONGEST_HOLD = 500;
/** If the Service is read instead, this takes as long as the API needs to answer. */
const LONGEST_HOLD_WHILE_READING = 2_000;
const HOPELESS_AFTER = 60_000;
/** The label of a slice that names its Service. */
const SERVICE_NAME = 'kubernetes.io/service-name';

/** The state of a Service at one moment. */
export type ServiceState =
  | {
      readonly name: 'unavailable';
      /** Why nothing is known; none while the first list is under way. */
      readonly error: Error | undefined;
    }
  | {
      readonly name: 'available';
      /** `'absent'`: there is no Service with this name. */
      readonly spec: ServiceSpec | 'absent';
      readonly slices: readonly Slice[];
      /** Whether an endpoint is in two slices. */
      readonly overlap: boolean;
      /** Why changes don't arrive at present. */
      readonly error: Error | undefined;
    };

type Available = Extract<ServiceState, { name: 'available' }>;

export interface ServiceWatchOptions {
  client: ApiClient;
  service: ServiceName;
  clock: Clock;
  random: () => number;
  /** Decides which watch of this client asks for all while the API fails. */
  scouts: Scouts;
  /** Over how many milliseconds the first request is spread at random. */
  startSpread: number;
  complaints: Complaints;
  onSlice: (slice: Slice) => void;
}

/** Follows one Service: its EndpointSlices, and the Service itself. */
export class ServiceWatch {
  readonly changes = new Changes();
  readonly #options: ServiceWatchOptions;
  readonly #abort = new AbortController();
  readonly #follower: ServiceFollower;
  readonly #slices = new SliceSet();
  readonly #toSlices: Contact;
  readonly #toService: Contact;
  #shape: readonly string[] | undefined;
  #service: KnownService | 'absent' | undefined;
  /** While the Service and its slices don't fit each other, nothing is published. */
  #hold: Timer | undefined;
  #published: Pick<Available, 'spec' | 'slices' | 'overlap'> | undefined;

  constructor(options: ServiceWatchOptions) {
    const { client, service, clock, random, startSpread, scouts } = options;
    this.#options = options;
    this.#toSlices = new Contact(clock);
    this.#toService = new Contact(clock);
    this.#follower = new ServiceFollower({
      client,
      service,
      clock,
      random,
      scouts,
      complaints: options.complaints,
      onNews: (news) => this.#takeNews(news),
    });
    const selector = encodeURIComponent(`${SERVICE_NAME}=${service.name}`);
    const slices = new ListWatch<SliceObject>({
      client,
      path: `/apis/discovery.k8s.io/v1/namespaces/${service.namespace}/endpointslices?labelSelector=${selector}`,
      clock,
      random,
      scouts,
      startSpread,
      isHopeless: () => this.hopeless,
      listener: {
        onList: (items) => this.#takeList(items),
        onEvents: (events) => this.#takeEvents(events),
        onOpen: () => this.#takeWell(this.#toSlices),
        onFailure: (error) => this.#takeFailure(this.#toSlices, error),
      },
    });
    void slices.run(this.#abort.signal);
  }

  get state(): ServiceState {
    const [slices, service] = [this.#toSlices, this.#toService];
    if (this.#published === undefined || slices.lost || service.lost)
      return { name: 'unavailable', error: slices.error ?? service.error };
    return { name: 'available', ...this.#published, error: slices.lasting ?? service.lasting };
  }

  /** Whether it could never be seen, though evenkeel has tried for a while. */
  get hopeless(): boolean {
    return this.#published === undefined && this.#toSlices.failsFor(HOPELESS_AFTER);
  }

  /** Whether there is no right to see it. */
  get refused(): boolean {
    return this.#toSlices.refused || this.#toService.refused;
  }

  /** Reads the Service again, unless it is watched, because it may have changed. */
  readService(): void {
    this.#follower.read();
  }

  /** Whether a reading of the Service is under way. */
  get readsService(): boolean {
    return this.#follower.pending;
  }

  stop(): void {
    this.#abort.abort();
    this.#hold?.cancel();
  }

  #takeFailure(contact: Contact, error: Error): void {
    contact.fail(error);
    this.changes.add();
    this.#options.complaints.failed(error, this);
  }

  #takeWell(contact: Contact): void {
    if (contact.succeed()) this.changes.add();
  }

  #takeList(items: readonly SliceObject[]): void {
    if (this.#toSlices.list()) this.changes.add();
    const names = new Set(items.map(({ metadata }) => metadata?.name));
    for (const { name } of this.#slices.toArray()) if (!names.has(name)) this.#slices.delete(name);
    for (const item of items) this.#put(item);
    // One refusal is enough to know that nothing may be seen.
    if (this.#shape === undefined) void this.#follower.run(this.#abort.signal);
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
    const slice = this.#isOwn(object) ? parseSlice(object) : undefined;
    if (slice === undefined) {
      this.#slices.delete(name);
      return;
    }
    this.#slices.put(slice);
    this.#options.onSlice(slice);
  }

  /** Only such slices were asked for. But requests must never go to pods of another Service. */
  #isOwn({ metadata }: SliceObject): boolean {
    const name = metadata?.labels?.[SERVICE_NAME];
    return name === undefined || name === this.#options.service.name;
  }

  #takeSlices(): void {
    const before = this.#shape;
    const { shape } = this.#slices;
    this.#shape = shape;
    if (before !== undefined) {
      const gained = lacks(before, shape);
      if (gained || lacks(shape, before)) this.#follower.read();
      if (gained) this.#holdIfUnfit();
    }
    if (this.#hold !== undefined && this.#isFit()) this.#release();
    else this.#publish();
  }

  #takeNews(news: ServiceNews): void {
    if (news.name === 'service') this.#takeService(news.service);
    else if (news.name === 'failure') this.#takeFailure(this.#toService, news.error);
    else this.#takeWell(this.#toService);
  }

  #takeService(service: KnownService | 'absent'): void {
    const isNew = this.#service === undefined;
    // Most edits don't concern callers, and what is read every few seconds is usually the same.
    if (this.#hold === undefined && isDeepStrictEqual(service, this.#service)) {
      // Somebody may wait for this reading.
      if (this.#follower.reads) this.changes.add();
      return;
    }
    this.#service = service;
    // After a reading, nothing more is to come.
    if (this.#follower.reads ? !this.#follower.pending : isNew || this.#isFit()) this.#release();
    else this.#holdIfUnfit();
  }

  #isFit(): boolean {
    if (this.#follower.pending) return false;
    return this.#service !== undefined && fits(this.#service, this.#slices.toArray());
  }

  #holdIfUnfit(): void {
    if (this.#hold !== undefined || this.#isFit()) return;
    const longest = this.#follower.pending ? LONGEST_HOLD_WHILE_READING : LONGEST_HOLD;
    this.#hold = this.#options.clock.schedule(() => this.#release(), longest);
  }

  #release(): void {
    this.#hold?.cancel();
    this.#hold = undefined;
    this.#publish();
  }

  #publish(): void {
    if (this.#hold !== undefined || this.#service === undefined) return;
    const spec = this.#service === 'absent' ? 'absent' : this.#service.spec;
    const { overlap } = this.#slices;
    this.#published = { spec, slices: ownSlices(this.#service, this.#slices.toArray()), overlap };
    this.changes.add();
  }
}

function lacks(some: readonly string[], others: readonly string[]): boolean {
  return others.some((other) => !some.includes(other));
}
