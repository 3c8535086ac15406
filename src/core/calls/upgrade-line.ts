import type { Exchange } from '../../transports/undici/exchange.ts';
import type { EndpointPool } from '../connections/endpoint-pool.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';
import { type Waiter, WaitingLine } from './waiting.ts';

/**
 * The requests of a service that wait for a socket of their own, or for an event stream. Each waits for the
 * endpoint that was chosen for it, so that they are as even as they can be however long they last.
 */
export class UpgradeLine {
  readonly #pool: EndpointPool;
  readonly #start: (exchange: Exchange, endpoint: Endpoint) => void;
  readonly #line = new WaitingLine();
  /** How many wait for each endpoint. */
  readonly #awaited = new Map<Endpoint, number>();

  constructor(pool: EndpointPool, start: (exchange: Exchange, endpoint: Endpoint) => void) {
    this.#pool = pool;
    this.#start = start;
  }

  get size(): number {
    return this.#line.size;
  }

  has(exchange: Exchange): boolean {
    return this.#line.has(exchange);
  }

  add(exchange: Exchange, now: number): void {
    exchange.endpoint = undefined;
    this.#line.add(exchange, now, this.#pool.dials.moment(), false);
    this.serve(now);
  }

  /** Takes an exchange out, if it waits. Its place is free again. */
  remove(exchange: Exchange): void {
    if (this.#line.remove(exchange) && exchange.endpoint !== undefined) this.#unbind(exchange);
  }

  /**
   * Starts those whose endpoints have a connection for them, and has connections made for the others. Fails
   * those for whom that is hopeless, with the reason.
   */
  serve(now: number): void {
    // Where one finds no endpoint, the next needn't look.
    let allClosed = false;
    for (const waiter of this.#line) {
      const { exchange } = waiter;
      if (exchange.endpoint !== undefined && !this.#pool.admission.isOpen(exchange.endpoint)) {
        // It may be the dial for this one that makes the endpoint full.
        if (exchange.endpoint.dialing + exchange.endpoint.overdue > 0) continue;
        this.#unbind(exchange);
      }
      if (exchange.endpoint === undefined) {
        if (!allClosed) this.#bind(exchange);
        if (exchange.endpoint === undefined) {
          allClosed ||= this.#canWait(waiter);
          continue;
        }
      }
      const endpoint: Endpoint = exchange.endpoint;
      if (endpoint.isReady(now)) this.#serve(waiter, endpoint);
      else this.#pool.plan.dialEndpointFor(endpoint, this.#awaited.get(endpoint)!);
    }
  }

  /** Chooses others for those that wait for an endpoint, and fails them where there are none. */
  onUnavailable(unavailable: Endpoint, now: number): void {
    for (const { exchange } of this.#line) if (exchange.endpoint === unavailable) this.#unbind(exchange);
    this.serve(now);
  }

  /** Chooses others for those that wait for an endpoint that has left. */
  rebind(): void {
    for (const { exchange } of this.#line) {
      if (exchange.endpoint?.state.name === 'draining') this.#unbind(exchange);
    }
  }

  /** Those that wait, in order. */
  [Symbol.iterator](): Iterator<Waiter> {
    return this.#line[Symbol.iterator]();
  }

  /** Whether there is hope for one that found no endpoint. Otherwise it has failed. */
  #canWait({ exchange, run, moment }: Waiter): boolean {
    if (this.#pool.plan.dialFor(1, moment)) return true;
    const error = this.#pool.dials.lastError;
    if (error === undefined) return true;
    this.#line.remove(exchange);
    run(() => exchange.fail(error));
    return false;
  }

  #serve({ exchange, run }: Waiter, endpoint: Endpoint): void {
    this.#line.remove(exchange);
    this.#forget(endpoint);
    run(() => this.#start(exchange, endpoint));
  }

  #bind(exchange: Exchange): void {
    const endpoint = this.#pool.seats.take((candidate) => this.#pool.admission.isOpen(candidate));
    if (endpoint === undefined) return;
    exchange.endpoint = endpoint;
    exchange.seated = true;
    this.#awaited.set(endpoint, (this.#awaited.get(endpoint) ?? 0) + 1);
  }

  #unbind(exchange: Exchange): void {
    const endpoint = exchange.endpoint!;
    exchange.endpoint = undefined;
    exchange.seated = false;
    this.#pool.seats.leave(endpoint);
    this.#forget(endpoint);
  }

  /** Counts one less that waits for an endpoint. */
  #forget(endpoint: Endpoint): void {
    const count = this.#awaited.get(endpoint)! - 1;
    if (count > 0) this.#awaited.set(endpoint, count);
    else this.#awaited.delete(endpoint);
  }
}
