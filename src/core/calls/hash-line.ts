import { type HashRing, LEAST_BOUND } from '../balancing/hash-ring.ts';
import type { Demand } from '../base/demand.ts';
import type { Pod } from '../connections/connection.ts';
import type { Pool } from '../connections/pool.ts';
import type { Attempts } from './attempts.ts';
import type { Call } from './call.ts';
import { type Waiter, WaitingLine } from './waiting-line.ts';

/** For how many milliseconds a call waits until its endpoint is connected. A handshake takes less than that anywhere. */
const PATIENCE = 500;

/**
 * Calls with a key that wait for the endpoint of their key. While that endpoint has more than its part of the load,
 * the next one on the ring gets the call: "consistent hashing with bounded loads", by Mirrokni, Thorup and
 * Zadimoghaddam, 2016, https://arxiv.org/abs/1608.01350
 */
export class HashLine {
  readonly #pool: Pool;
  readonly #demand: Demand;
  /** How many times the mean an endpoint may carry; 0: no limit. */
  readonly #balanceFactor: number;
  readonly #attempts: Attempts;
  /** Serves the calls without a key that came before a moment, so that no call overtakes an older one. */
  readonly #serveKeyless: (before: number) => void;
  readonly #line: WaitingLine;
  /** The calls that wait for each endpoint, in order. */
  readonly #bound = new Map<Pod, Set<Waiter>>();
  /** The calls that have no endpoint at present. */
  readonly #homeless = new Set<Waiter>();
  /** How many calls in flight an endpoint may have for each unit of weight. Set while an endpoint is chosen. */
  #limit = 0;
  /** Whether only endpoints are considered that are probably there. Set while an endpoint is chosen. */
  #provenOnly = false;

  constructor(
    pool: Pool,
    attempts: Attempts,
    demand: Demand,
    balanceFactor: number,
    serveKeyless: (before: number) => void,
  ) {
    this.#pool = pool;
    this.#attempts = attempts;
    this.#demand = demand;
    this.#line = new WaitingLine(demand);
    this.#balanceFactor = balanceFactor;
    this.#serveKeyless = serveKeyless;
  }

  get size(): number {
    return this.#line.size;
  }

  /** The endpoint that serves a call at once; none if the call has to wait. */
  pick(call: Call, now: number): Pod | undefined {
    const endpoint = this.#choose(call, this.#demand.total + 1);
    if (endpoint === undefined || this.#bound.has(endpoint)) return undefined;
    return this.#isReady(endpoint, now, call) ? endpoint : undefined;
  }

  has(call: Call): boolean {
    return this.#line.has(call);
  }

  add(call: Call, now: number): void {
    this.#bind(this.#line.add(call, now, this.#pool.dials.moment(), false));
    this.serve(now);
  }

  remove(call: Call): void {
    const waiter = this.#line.find(call);
    if (waiter !== undefined) this.#take(waiter);
  }

  /**
   * Starts the calls whose endpoints have a connection for them, and dials for the others. If an endpoint has left,
   * or can't be used now, its calls get another one.
   */
  serve(now: number): void {
    for (const waiter of [...this.#homeless]) this.#house(waiter);
    let deferred = 0;
    for (const [endpoint, waiters] of this.#bound) {
      if (this.#pool.capacity.isUsable(endpoint)) this.#serveAt(endpoint, waiters, now);
      if (waiters.size === 0) continue;
      // The first call may have taken the last free connection of an endpoint that may not be dialled.
      if (!this.#pool.capacity.isUsable(endpoint)) {
        this.#bound.delete(endpoint);
        for (const waiter of waiters) this.#house(waiter);
        continue;
      }
      const served = Math.min(waiters.size, endpoint.requestRoom);
      if (served > 0 && endpoint.backoff === undefined) {
        deferred += this.#pool.plan.dialPacedFor(endpoint, served);
      }
    }
    this.#pool.plan.pace.deferBound(deferred);
  }

  /** Starts the calls that wait for an endpoint, as long as it has connections for them. */
  #serveAt(endpoint: Pod, waiters: Set<Waiter>, now: number): void {
    for (const waiter of waiters) {
      if (!this.#isReady(endpoint, now, waiter.call)) return;
      this.#serveKeyless(waiter.moment);
      if (!this.#isReady(endpoint, now, waiter.call)) return;
      // Serving the others may have ended this one.
      if (!waiters.has(waiter)) continue;
      this.#take(waiter);
      waiter.run((call) => this.#attempts.start(call, endpoint));
    }
  }

  /** Finds other endpoints for the calls whose endpoint takes too long to connect. */
  hurry(now: number): void {
    const overdue: Waiter[] = [];
    for (const [endpoint, waiters] of this.#bound) {
      const [first] = waiters;
      if (endpoint.connected > 0 || endpoint.dialing === 0 || now - first!.since < PATIENCE) continue;
      endpoint.setUnproven();
      this.#bound.delete(endpoint);
      overdue.push(...waiters);
    }
    for (const waiter of overdue) this.#bind(waiter);
  }

  /** All waiting calls, in the order in which they came. */
  [Symbol.iterator](): Iterator<Waiter> {
    return this.#line[Symbol.iterator]();
  }

  /** The waiting calls for which no connection can become free, because their endpoint has none. */
  *unserved(): Generator<Waiter> {
    yield* this.#homeless;
    for (const [{ connected }, waiters] of this.#bound) if (connected === 0) yield* waiters;
  }

  /** Finds an endpoint for a call that has none. Fails the call if there is no hope. */
  #house(waiter: Waiter): void {
    this.#homeless.delete(waiter);
    this.#bind(waiter);
    if (waiter.call.endpoint !== undefined || this.#pool.plan.dialFor(1, waiter.moment)) return;
    const error = this.#pool.dials.lastError;
    if (error === undefined) return;
    this.#take(waiter);
    waiter.run((call) => call.fail(error));
  }

  #bind(waiter: Waiter): void {
    const endpoint = this.#choose(waiter.call, this.#demand.total);
    waiter.call.endpoint = endpoint;
    if (endpoint === undefined) {
      this.#homeless.add(waiter);
      return;
    }
    const waiters = this.#bound.get(endpoint);
    if (waiters === undefined) this.#bound.set(endpoint, new Set([waiter]));
    else waiters.add(waiter);
  }

  #take(waiter: Waiter): void {
    const { call } = waiter;
    this.#line.remove(call);
    this.#homeless.delete(waiter);
    const { endpoint } = call;
    if (endpoint === undefined) return;
    call.endpoint = undefined;
    const waiters = this.#bound.get(endpoint);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#bound.delete(endpoint);
  }

  /**
   * The endpoint for a call. `demand`: how many calls there are, with this one. If nothing shows yet that the
   * endpoint is there, it is dialled meanwhile, and the next endpoint on the ring gets the call.
   */
  #choose({ keyHash }: Call, demand: number): Pod | undefined {
    const { ring, plan } = this.#pool;
    if (ring === undefined) return undefined;
    if (this.#balanceFactor > 0) this.#limit = (this.#balanceFactor * demand) / this.#usableWeight(ring);
    const endpoint = this.#next(ring, keyHash);
    if (endpoint === undefined || isProven(endpoint)) return endpoint;
    this.#provenOnly = true;
    const other = this.#next(ring, keyHash);
    this.#provenOnly = false;
    if (other === undefined) return endpoint;
    plan.dialEndpointFor(endpoint, 1);
    return other;
  }

  #next(ring: HashRing<Pod>, keyHash: number): Pod | undefined {
    if (this.#balanceFactor === 0) return ring.pick(keyHash, this.#isUsable);
    return (
      ring.pick(keyHash, this.#hasRoom) ??
      // If all endpoints have as many calls as they may, the waiting ones are spread as evenly.
      (this.#pool.capacity.isLimited ? ring.pick(keyHash, this.#isBelowBound) : undefined) ??
      ring.pick(keyHash, this.#isUsable)
    );
  }

  /** The weight of all endpoints that may serve. */
  #usableWeight({ weight }: { readonly weight: number }): number {
    const { failing } = this.#pool.upkeep;
    const { size } = this.#pool.set.current;
    return (weight * Math.max(size - failing, 1)) / Math.max(size, 1);
  }

  #isReady(endpoint: Pod, now: number, call: Call): boolean {
    return endpoint.requestRoom > 0 && endpoint.isReady(now, call);
  }

  readonly #isUsable = (endpoint: Pod): boolean =>
    this.#pool.capacity.isUsable(endpoint) && (!this.#provenOnly || isProven(endpoint));

  readonly #hasRoom = (endpoint: Pod): boolean =>
    this.#isBelowBound(endpoint) && this.#loadOf(endpoint) < this.#pool.capacity.capacityOf(endpoint);

  readonly #isBelowBound = (endpoint: Pod): boolean => {
    const bound = Math.max(LEAST_BOUND, Math.ceil(this.#limit * endpoint.weight));
    return this.#loadOf(endpoint) < bound && this.#isUsable(endpoint);
  };

  #loadOf(endpoint: Pod): number {
    return endpoint.inFlight + (this.#bound.get(endpoint)?.size ?? 0);
  }
}

/** Whether an endpoint is probably there. */
function isProven({ connected, unproven, dialFailures }: Pod): boolean {
  return connected > 0 || (!unproven && dialFailures === 0);
}
