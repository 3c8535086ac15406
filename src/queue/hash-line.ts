import type { Endpoint } from '../endpoint/endpoint.ts';
import type { EndpointPool } from '../endpoint/endpoint-pool.ts';
import type { Exchange } from '../request/exchange.ts';
import { type Waiter, WaitingLine } from './waiting.ts';

/**
 * The requests of a service that have a key, and wait for the endpoint that it leads to. That one is passed
 * over while it has more than its part of the load: "consistent hashing with bounded loads", by Mirrokni,
 * Thorup and Zadimoghaddam, 2016, https://arxiv.org/abs/1608.01350
 */
export class HashLine {
  readonly #pool: EndpointPool;
  /** How much more than the mean an endpoint may carry; 0: anything. */
  readonly #balanceFactor: number;
  readonly #start: (exchange: Exchange, endpoint: Endpoint) => void;
  readonly #line = new WaitingLine();
  /** Those that wait for each endpoint, in order. */
  readonly #bound = new Map<Endpoint, Set<Waiter>>();
  /** Those for which there is no endpoint at present. */
  readonly #homeless = new Set<Waiter>();
  /** Requests in flight that an endpoint must stay below for each unit of weight, while one is chosen. */
  #limit = 0;

  constructor(
    pool: EndpointPool,
    balanceFactor: number,
    start: (exchange: Exchange, endpoint: Endpoint) => void,
  ) {
    this.#pool = pool;
    this.#balanceFactor = balanceFactor;
    this.#start = start;
  }

  get size(): number {
    return this.#line.size;
  }

  /** The endpoint to serve a request at once; none if it has to wait. */
  pick(exchange: Exchange, now: number): Endpoint | undefined {
    const endpoint = this.#choose(exchange, this.#pool.demand + 1);
    if (endpoint === undefined || this.#bound.has(endpoint)) return undefined;
    return endpoint.isReady(now) ? endpoint : undefined;
  }

  has(exchange: Exchange): boolean {
    return this.#line.has(exchange);
  }

  add(exchange: Exchange, now: number): void {
    this.#bind(this.#line.add(exchange, now, this.#pool.dials.moment(), false));
    this.serve(now);
  }

  remove(exchange: Exchange): void {
    const waiter = this.#line.find(exchange);
    if (waiter !== undefined) this.#take(waiter);
  }

  /**
   * Starts those whose endpoints have a connection for them, and has connections made for the others. Those
   * whose endpoints have left, or can't be used now, wait for others.
   */
  serve(now: number): void {
    for (const waiter of [...this.#homeless]) this.#house(waiter);
    let deferred = 0;
    for (const [endpoint, waiters] of this.#bound) {
      if (!this.#pool.admission.isUsable(endpoint)) {
        this.#bound.delete(endpoint);
        for (const waiter of waiters) this.#house(waiter);
        continue;
      }
      for (const waiter of waiters) {
        if (!endpoint.isReady(now)) break;
        this.#take(waiter);
        waiter.run((exchange) => this.#start(exchange, endpoint));
      }
      if (waiters.size > 0) deferred += this.#pool.plan.dialPacedFor(endpoint, waiters.size);
    }
    this.#pool.plan.pace.deferBound(deferred);
  }

  /** Those that wait, in the order in which they came. */
  [Symbol.iterator](): Iterator<Waiter> {
    return this.#line[Symbol.iterator]();
  }

  /** Those that don't wait for a connection to become free: there is none. */
  *unserved(): Generator<Waiter> {
    yield* this.#homeless;
    for (const [{ connected }, waiters] of this.#bound) if (connected === 0) yield* waiters;
  }

  /** Finds an endpoint for one that has none, or fails it where that is hopeless. */
  #house(waiter: Waiter): void {
    this.#homeless.delete(waiter);
    this.#bind(waiter);
    if (waiter.exchange.endpoint !== undefined || this.#pool.plan.dialFor(1, waiter.moment)) return;
    const error = this.#pool.dials.lastError;
    if (error === undefined) return;
    this.#take(waiter);
    waiter.run((exchange) => exchange.fail(error));
  }

  #bind(waiter: Waiter): void {
    const endpoint = this.#choose(waiter.exchange, this.#pool.demand);
    waiter.exchange.endpoint = endpoint;
    if (endpoint === undefined) {
      this.#homeless.add(waiter);
      return;
    }
    const waiters = this.#bound.get(endpoint);
    if (waiters === undefined) this.#bound.set(endpoint, new Set([waiter]));
    else waiters.add(waiter);
  }

  #take(waiter: Waiter): void {
    const { exchange } = waiter;
    this.#line.remove(exchange);
    this.#homeless.delete(waiter);
    const { endpoint } = exchange;
    if (endpoint === undefined) return;
    exchange.endpoint = undefined;
    const waiters = this.#bound.get(endpoint);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#bound.delete(endpoint);
  }

  /** The endpoint for a request, which makes for `demand` of them. */
  #choose({ keyHash }: Exchange, demand: number): Endpoint | undefined {
    const { ring } = this.#pool;
    if (ring === undefined) return undefined;
    if (this.#balanceFactor === 0) return ring.pick(keyHash, this.#isUsable);
    this.#limit = (this.#balanceFactor * demand) / this.#usableWeight(ring);
    return ring.pick(keyHash, this.#hasRoom) ?? ring.pick(keyHash, this.#isUsable);
  }

  /** What all endpoints weigh that may serve. */
  #usableWeight({ weight }: { readonly weight: number }): number {
    const { set, failing } = this.#pool;
    const { size } = set.current;
    return (weight * Math.max(size - failing, 1)) / Math.max(size, 1);
  }

  readonly #isUsable = (endpoint: Endpoint): boolean => this.#pool.admission.isUsable(endpoint);

  readonly #hasRoom = (endpoint: Endpoint): boolean => {
    const load = endpoint.inFlight + (this.#bound.get(endpoint)?.size ?? 0);
    return load < Math.ceil(this.#limit * endpoint.weight) && this.#pool.admission.isUsable(endpoint);
  };
}
