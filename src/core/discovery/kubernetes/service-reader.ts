import type { Clock } from '../../base/clock.ts';
import { Changes } from '../changes.ts';
import { unlessAborted, until } from '../dns/abortable.ts';
import { ApiError } from './api.ts';
import type { ApiClient } from './api-client.ts';
import { Backoff } from './backoff.ts';
import { ComingBack } from './coming-back.ts';
import type { ServiceName } from './match.ts';
import { type KnownService, type ServiceObject, serviceIn } from './service-spec.ts';

export interface ServiceReaderOptions {
  client: ApiClient;
  service: ServiceName;
  clock: Clock;
  random: () => number;
  /** The Service; `'absent'`: there is none with this name; an error: it could not be read, and this tries again. */
  onRead: (read: KnownService | 'absent' | Error) => void;
}

/** Reads a Service whenever it is told to, until that succeeds. */
export class ServiceReader {
  readonly #options: ServiceReaderOptions;
  readonly #backoff: Backoff;
  readonly #orders = new Changes();
  #done = 0;
  readonly #comingBack: ComingBack;

  constructor(options: ServiceReaderOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.clock, options.random);
    this.#comingBack = new ComingBack(options.clock);
  }

  /** Whether what it read last may be out of date. */
  get pending(): boolean {
    return this.#done < this.#orders.count;
  }

  /** Asks for a reading that starts from now on. */
  read(): void {
    this.#orders.add();
  }

  /** Other code knows the Service by now, from a later moment than the reading that is under way. */
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
        // A newer reading has come meanwhile.
        if (order <= this.#done) continue;
        this.#done = order;
        this.#comingBack.allowed();
        this.#backoff.allowed();
        onRead(service);
      } catch (error) {
        if (signal.aborted) return;
        onRead(error as Error);
        await until(clock.now() + this.#pauseAfter(error), clock, signal);
      }
    }
  }

  #pauseAfter(error: unknown): number {
    this.#comingBack.failed(error);
    return this.#comingBack.explains(error) ? this.#backoff.afterAnswer(error) : this.#backoff.after(error);
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
