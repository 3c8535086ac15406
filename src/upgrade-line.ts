import type { Endpoint } from './endpoint.ts';
import type { EndpointPool } from './endpoint-pool.ts';
import type { Exchange } from './exchange.ts';
import { type Waiter, WaitingLine } from './waiting.ts';

/**
 * The requests of a service that wait for a socket of their own. Each waits for the endpoint that was
 * chosen for it, so that sockets are as even as they can be however long they live.
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
    this.#line.add(exchange, now, this.#pool.moment(), false);
    this.serve(now);
  }

  /** Takes an exchange out, if it waits. Its place is free again. */
  remove(exchange: Exchange): void {
    if (!this.#line.remove(exchange) || exchange.endpoint === undefined) return;
    this.#pool.seats.leave(exchange.endpoint);
    this.#unbind(exchange);
  }

  /** Starts those whose endpoints have a connection for them, and has connections made for the others. */
  serve(now: number): void {
    for (const { exchange, run } of this.#line) {
      if (exchange.endpoint === undefined) this.#bind(exchange);
      const { endpoint } = exchange;
      if (endpoint?.isReady(now) !== true) continue;
      this.#line.remove(exchange);
      this.#unbind(exchange);
      exchange.endpoint = endpoint;
      run(() => this.#start(exchange, endpoint));
    }
    for (const [endpoint, count] of this.#awaited) this.#pool.dialEndpointFor(endpoint, count);
  }

  /** An endpoint can't be reached: chooses others for those that wait for it, and fails them where there are none. */
  onDialFailed(failed: Endpoint, error: Error): void {
    for (const { exchange, run } of this.#line) {
      if (exchange.endpoint !== failed) continue;
      this.#pool.seats.leave(failed);
      this.#unbind(exchange);
      this.#bind(exchange);
      if (exchange.endpoint !== undefined) continue;
      this.#line.remove(exchange);
      run(() => exchange.fail(error));
    }
    for (const [endpoint, count] of this.#awaited) this.#pool.dialEndpointFor(endpoint, count);
  }

  /** Those that have waited since that time or longer. */
  *since(time: number): Generator<Waiter> {
    for (const waiter of this.#line) if (waiter.since <= time) yield waiter;
  }

  #bind(exchange: Exchange): void {
    const endpoint = this.#pool.seats.take();
    if (endpoint === undefined) return;
    exchange.endpoint = endpoint;
    this.#awaited.set(endpoint, (this.#awaited.get(endpoint) ?? 0) + 1);
  }

  #unbind(exchange: Exchange): void {
    const endpoint = exchange.endpoint!;
    exchange.endpoint = undefined;
    const count = this.#awaited.get(endpoint)! - 1;
    if (count > 0) this.#awaited.set(endpoint, count);
    else this.#awaited.delete(endpoint);
  }
}
