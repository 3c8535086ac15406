import { AsyncResource } from 'node:async_hooks';
import { BodyWatch } from '../../transports/undici/body-watch.ts';
import type { Exchange } from '../../transports/undici/exchange.ts';
import { Ring, RingNode } from '../base/ring.ts';

/** A request that waits for a connection. It goes on in the async context of its caller. */
export class Waiter {
  readonly exchange: Exchange;
  /** The clock's time at which it came. */
  readonly since: number;
  /** Milliseconds since then in which this process was stopped, and could not serve it. */
  forgiven = 0;
  /** Its place among dials and other requests. */
  readonly moment: number;
  readonly node: RingNode<Waiter>;
  readonly #context: AsyncResource;
  readonly #bodyWatch: BodyWatch | undefined;

  constructor(exchange: Exchange, since: number, moment: number) {
    this.exchange = exchange;
    this.since = since;
    this.moment = moment;
    this.node = new RingNode(this);
    this.#context = exchange.context ??= new AsyncResource('EVENKEEL_WAITER');
    this.#bodyWatch = BodyWatch.of(exchange);
  }

  /** Calls `fn` in the context of the caller. */
  readonly run = (fn: (exchange: Exchange) => void): void => {
    this.#context.runInAsyncScope(fn, undefined, this.exchange);
  };

  /** Stops looking after the body: whoever sends it does that. */
  leave(): void {
    this.#bodyWatch?.leave();
  }
}

/** The requests of a service that wait for a connection, first come, first served. */
export class WaitingLine {
  readonly #ring = new Ring<Waiter>();
  readonly #waiters = new Map<Exchange, Waiter>();

  get size(): number {
    return this.#waiters.size;
  }

  get first(): Waiter | undefined {
    return this.#ring.first?.value;
  }

  /** All of them, in order. */
  *[Symbol.iterator](): Generator<Waiter> {
    yield* this.#waiters.values();
  }

  /** Puts an exchange at the end, or in front of all others: one that has waited before. */
  add(exchange: Exchange, now: number, moment: number, inFront: boolean): Waiter {
    const waiter = new Waiter(exchange, now, moment);
    this.#waiters.set(exchange, waiter);
    if (inFront) this.#ring.prepend(waiter.node);
    else this.#ring.append(waiter.node);
    return waiter;
  }

  find(exchange: Exchange): Waiter | undefined {
    return this.#waiters.get(exchange);
  }

  has(exchange: Exchange): boolean {
    return this.#waiters.has(exchange);
  }

  /** Takes an exchange out; false if it wasn't waiting. */
  remove(exchange: Exchange): boolean {
    const waiter = this.#waiters.get(exchange);
    if (waiter === undefined) return false;
    this.#take(waiter);
    return true;
  }

  /** Takes the first one out. */
  shift(): Waiter | undefined {
    const { first } = this;
    if (first !== undefined) this.#take(first);
    return first;
  }

  #take(waiter: Waiter): void {
    this.#waiters.delete(waiter.exchange);
    waiter.node.unlink();
    waiter.leave();
  }
}
