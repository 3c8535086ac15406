import type { Demand } from '../base/demand.ts';
import type { Pod } from '../connections/connection.ts';
import type { Pool } from '../connections/pool.ts';
import type { Attempts } from './attempts.ts';
import type { Call } from './call.ts';
import { type Waiter, WaitingLine } from './waiting-line.ts';

/**
 * The calls of a service that wait for a socket of their own, or for an event stream. Each waits for one chosen
 * endpoint. So however long these streams last, they are spread evenly.
 */
export class UpgradeLine {
  readonly #pool: Pool;
  readonly #attempts: Attempts;
  readonly #line: WaitingLine;
  /** How many calls wait for each endpoint. */
  readonly #awaited = new Map<Pod, number>();

  constructor(pool: Pool, attempts: Attempts, demand: Demand) {
    this.#pool = pool;
    this.#attempts = attempts;
    this.#line = new WaitingLine(demand);
  }

  get size(): number {
    return this.#line.size;
  }

  has(call: Call): boolean {
    return this.#line.has(call);
  }

  add(call: Call, now: number): void {
    call.endpoint = undefined;
    this.#line.add(call, now, this.#pool.dials.moment(), false);
    this.serve(now);
  }

  /** Removes a call, if it waits. Its seat is free again. */
  remove(call: Call): void {
    if (this.#line.remove(call) && call.endpoint !== undefined) this.#unbind(call);
  }

  /**
   * Starts the calls whose endpoints have a connection for them, and dials for the others. If there is no hope for a
   * call, the call fails with the reason.
   */
  serve(now: number): void {
    // If one call finds no endpoint, the next one won't either.
    let allClosed = false;
    for (const waiter of this.#line) {
      const { call } = waiter;
      // The endpoint has left meanwhile, was ejected, or asked for a pause.
      if (call.endpoint !== undefined && !serves(call.endpoint)) this.#unbind(call);
      if (call.endpoint !== undefined && !this.#pool.capacity.isOpen(call.endpoint)) {
        // The endpoint may be full only because of the dial for this call.
        if (call.endpoint.dialing + call.endpoint.overdue > 0) continue;
        this.#unbind(call);
      }
      if (call.endpoint === undefined) {
        if (!allClosed) this.#bind(call);
        if (call.endpoint === undefined) {
          allClosed ||= this.#canWait(waiter);
          continue;
        }
      }
      const endpoint: Pod = call.endpoint;
      if (endpoint.isReady(now)) this.#serve(waiter, endpoint);
      else this.#pool.plan.dialEndpointFor(endpoint, this.#awaited.get(endpoint)!);
    }
  }

  /** Chooses other endpoints for the calls that wait for an endpoint. Fails them if there is none. */
  onUnavailable(unavailable: Pod, now: number): void {
    for (const { call } of this.#line) if (call.endpoint === unavailable) this.#unbind(call);
    this.serve(now);
  }

  /** All waiting calls, in order. */
  [Symbol.iterator](): Iterator<Waiter> {
    return this.#line[Symbol.iterator]();
  }

  /** Whether there is hope for a call that found no endpoint. If not, this fails the call. */
  #canWait(waiter: Waiter): boolean {
    if (this.#pool.plan.dialFor(1, waiter.moment)) return true;
    const error = this.#pool.dials.lastError;
    if (error === undefined) return true;
    this.#line.remove(waiter.call);
    waiter.run((call) => call.fail(error));
    return false;
  }

  #serve(waiter: Waiter, endpoint: Pod): void {
    this.#line.remove(waiter.call);
    this.#forget(endpoint);
    waiter.run((call) => this.#attempts.start(call, endpoint));
  }

  #bind(call: Call): void {
    const endpoint = this.#pool.seats.take((candidate) => this.#pool.capacity.isOpen(candidate));
    if (endpoint === undefined) return;
    call.endpoint = endpoint;
    call.seated = true;
    this.#awaited.set(endpoint, (this.#awaited.get(endpoint) ?? 0) + 1);
  }

  #unbind(call: Call): void {
    const endpoint = call.endpoint!;
    call.endpoint = undefined;
    call.seated = false;
    this.#pool.seats.leave(endpoint);
    this.#forget(endpoint);
  }

  /** One call less waits for an endpoint. */
  #forget(endpoint: Pod): void {
    const count = this.#awaited.get(endpoint)! - 1;
    if (count > 0) this.#awaited.set(endpoint, count);
    else this.#awaited.delete(endpoint);
  }
}

function serves({ isDraining, isHealthy }: Pod): boolean {
  return isHealthy && !isDraining;
}
