import type { Clock } from '../../base/clock.ts';
import { Changes } from '../changes.ts';
import { unlessAborted, until } from '../dns/abortable.ts';
import { ApiError } from './api.ts';
import type { ApiClient } from './api-client.ts';
import { Backoff } from './backoff.ts';
import type { ServiceName } from './match.ts';
import { type KnownService, type ServiceObject, serviceIn } from './service-spec.ts';

export interface ServiceReaderOptions {
  client: ApiClient;
  service: ServiceName;
  clock: Clock;
  random: () => number;
  /** What the Service is; `'absent'`: there is none by that name. An error: it couldn't be read, and is tried again. */
  onRead: (read: KnownService | 'absent' | Error) => void;
}

/** Reads a Service whenever told to, until it succeeds. */
export class ServiceReader {
  readonly #options: ServiceReaderOptions;
  readonly #backoff: Backoff;
  readonly #orders = new Changes();
  #done = 0;

  constructor(options: ServiceReaderOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.clock, options.random);
  }

  /** Whether what it said last may be out of date. */
  get pending(): boolean {
    return this.#done < this.#orders.count;
  }

  /** Orders a reading that starts from now on. */
  read(): void {
    this.#orders.add();
  }

  /** Says that what it was to read is known now: from somebody who heard it later than what is being read. */
  satisfy(): void {
    this.#done = this.#orders.count;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, onRead } = this.#options;
    while (!signal.aborted) {
      await unlessAborted(this.#orders.since(this.#done), signal);
      if (signal.aborted) return;
      const order = this.#orders.count;
      try {
        const service = await this.#get(signal);
        if (signal.aborted) return;
        // What has been said meanwhile is newer.
        if (order <= this.#done) continue;
        this.#done = order;
        this.#backoff.allowed();
        onRead(service);
      } catch (error) {
        if (signal.aborted) return;
        onRead(error as Error);
        await until(clock.now() + this.#backoff.after(error), clock, signal);
      }
    }
  }

  async #get(signal: AbortSignal): Promise<KnownService | 'absent'> {
    const { client, service } = this.#options;
    try {
      const path = `/api/v1/namespaces/${service.namespace}/services/${service.name}`;
      return serviceIn(await client.get<ServiceObject>(path, signal));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return 'absent';
      throw error;
    }
  }
}
