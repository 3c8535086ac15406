import type { Exchange } from '../../transports/undici/exchange.ts';
import type { EndpointPool } from '../connections/endpoint-pool.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';
import { type Waiter, WaitingLine } from './waiting.ts';

/** The requests of a service that have failed at an endpoint and wait for another one, if there is one. */
export class RetryLine {
  readonly #pool: EndpointPool;
  readonly #start: (exchange: Exchange, endpoint: Endpoint) => void;
  readonly #line = new WaitingLine();

  constructor(pool: EndpointPool, start: (exchange: Exchange, endpoint: Endpoint) => void) {
    this.#pool = pool;
    this.#start = start;
  }

  get size(): number {
    return this.#line.size;
  }

  /** Takes in an exchange that has failed at an endpoint. */
  add(exchange: Exchange, now: number): void {
    this.#line.add(exchange, now, this.#pool.dials.moment(), false);
  }

  remove(exchange: Exchange): void {
    this.#line.remove(exchange);
  }

  /** Starts those for which there is a connection, and fails those for which there will be none. */
  serve(now: number): void {
    for (const { exchange, moment, run } of this.#line) {
      const { failed, error } = exchange.attempts!;
      const choice = this.#pool.balancer.pickOther(failed, now, moment);
      if (choice === 'soon') continue;
      this.#line.remove(exchange);
      run(() => {
        if (choice === undefined) exchange.fail(error!);
        else this.#start(exchange, choice);
      });
    }
  }

  /** Those that wait, in order. */
  [Symbol.iterator](): Iterator<Waiter> {
    return this.#line[Symbol.iterator]();
  }
}
