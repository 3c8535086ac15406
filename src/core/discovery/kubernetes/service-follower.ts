import type { Clock } from '../../base/clock.ts';
import { until } from '../dns/abortable.ts';
import type { ApiClient, WatchEvent } from './api-client.ts';
import type { Complaints } from './complaints.ts';
import { Contact } from './contact.ts';
import { ListWatch } from './list-watch.ts';
import type { ServiceName } from './match.ts';
import type { Scouts } from './scouts.ts';
import { ServiceReader } from './service-reader.ts';
import { type KnownService, type ServiceObject, serviceIn, servicesPath } from './service-spec.ts';

/** With a quarter more at random, this is CoreDNS's default TTL for names of Services. */
const READ_INTERVAL = 4_000;

/** What was learned about a Service. */
export type ServiceNews =
  /** The Service; `'absent'`: there is none with this name. */
  | { readonly name: 'service'; readonly service: KnownService | 'absent' }
  /** Nothing. The request is tried again. */
  | { readonly name: 'failure'; readonly error: Error }
  /** Changes arrive again, or the Service may be read. */
  | { readonly name: 'contact' };

export interface ServiceFollowerOptions {
  client: ApiClient;
  service: ServiceName;
  clock: Clock;
  random: () => number;
  scouts: Scouts;
  /** Hears of a Service that may be read, but not watched. */
  complaints: Pick<Complaints, 'unwatchable'>;
  onNews: (news: ServiceNews) => void;
}

/** Follows a Service: watches it. If that isn't allowed, but reading is, reads it every few seconds. */
export class ServiceFollower {
  readonly #options: ServiceFollowerOptions;
  readonly #reader: ServiceReader;
  /** Set while the Service may not be watched. */
  #reading: AbortController | undefined;
  /** How well the API answers watches. */
  readonly #contact: Contact;

  constructor(options: ServiceFollowerOptions) {
    this.#options = options;
    this.#contact = new Contact(options.clock);
    this.#reader = new ServiceReader({ ...options, onRead: (read) => this.#takeRead(read) });
  }

  /** Whether the Service is read, and not watched. */
  get reads(): boolean {
    return this.#reading !== undefined;
  }

  /** Whether a reading that was asked for is under way. */
  get pending(): boolean {
    return this.#reading !== undefined && this.#reader.pending;
  }

  /** Reads the Service, because it may have changed. A watch shows that without. */
  read(): void {
    if (this.#reading !== undefined) this.#reader.read();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { client, service, clock, random, scouts } = this.#options;
    const watch = new ListWatch<ServiceObject>({
      client,
      path: servicesPath(service),
      clock,
      random,
      scouts,
      startSpread: 0,
      isHopeless: () => false,
      listener: {
        onList: (items) => this.#takeList(items),
        onEvents: (events) => this.#takeEvents(events),
        onOpen: () => this.#takeWell(),
        onFailure: (error) => this.#takeFailure(error, signal),
      },
    });
    await watch.run(signal);
    this.#reading?.abort();
  }

  #takeRead(read: KnownService | 'absent' | Error): void {
    const { complaints, onNews } = this.#options;
    if (read instanceof Error) {
      onNews({ name: 'failure', error: read });
      return;
    }
    onNews({ name: 'contact' });
    onNews({ name: 'service', service: read });
    if (this.#contact.error) complaints.unwatchable(this.#contact.error);
  }

  #takeList(items: readonly ServiceObject[]): void {
    const { service, onNews } = this.#options;
    this.#contact.list();
    this.#reader.satisfy();
    const found = items.find(({ metadata }) => metadata?.name === service.name);
    onNews({ name: 'service', service: found === undefined ? 'absent' : serviceIn(found) });
  }

  #takeEvents(events: readonly WatchEvent<ServiceObject>[]): void {
    const { service, onNews } = this.#options;
    for (const { type, object } of events) {
      if (object.metadata?.name !== service.name) continue;
      onNews({ name: 'service', service: type === 'DELETED' ? 'absent' : serviceIn(object) });
    }
  }

  #takeFailure(error: Error, signal: AbortSignal): void {
    this.#contact.fail(error);
    if (this.#contact.refused) {
      if (this.#reading === undefined) void this.#readOnAndOn(signal);
    } else if (this.#reading === undefined) {
      this.#options.onNews({ name: 'failure', error });
    }
  }

  #takeWell(): void {
    this.#contact.succeed();
    this.#reading?.abort();
    this.#reading = undefined;
    this.#options.onNews({ name: 'contact' });
  }

  async #readOnAndOn(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    const reading = new AbortController();
    this.#reading = reading;
    const stop = AbortSignal.any([signal, reading.signal]);
    void this.#reader.run(stop);
    while (!stop.aborted) {
      this.#reader.read();
      await until(clock.now() + READ_INTERVAL * (1 + random() / 4), clock, stop);
    }
  }
}
