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
    this.#dial();
  }

  /** Chooses others for those that wait for an endpoint, and fails them where there are none. */
  onUnavailable(unavailable: Endpoint, error: Error): void {
    for (const { exchange, run } of this.#line) {
      if (exchange.endpoint !== unavailable) continue;
      this.#rebind(exchange);
      if (exchange.endpoint !== undefined) continue;
      this.#line.remove(exchange);
      run(() => exchange.fail(error));
    }
    this.#dial();
  }

  /** Chooses others for those that wait for an endpoint that has left. */
  rebind(): void {
    for (const { exchange } of this.#line) {
      if (exchange.endpoint?.state.name === 'draining') this.#rebind(exchange);
    }
  }

  /** Those that wait, in order. */
  [Symbol.iterator](): Iterator<Waiter> {
    return this.#line[Symbol.iterator]();
  }

  #dial(): void {
    for (const [endpoint, count] of this.#awaited) this.#pool.dialEndpointFor(endpoint, count);
  }

  #rebind(exchange: Exchange): void {
    this.#pool.seats.leave(exchange.endpoint!);
    this.#unbind(exchange);
    this.#bind(exchange);
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
