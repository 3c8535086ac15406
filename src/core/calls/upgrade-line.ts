import type { Demand } from '../base/demand.ts';
import type { Pod } from '../connections/connection.ts';
import type { Pool } from '../connections/pool.ts';
import type { Attempts } from './attempts.ts';
import type { Call } from './call.ts';
import { type Waiter, WaitingLine } from './waiting-line.ts';

/**
 * The requests of a service that wait for a socket of their own, or for an event stream. Each waits for the
 * endpoint that was chosen for it, so that they are as even as they can be however long they last.
 */
export class UpgradeLine {
  readonly #pool: Pool;
  readonly #attempts: Attempts;
  readonly #line: WaitingLine;
  /** How many wait for each endpoint. */
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

  /** Takes a call out, if it waits. Its place is free again. */
  remove(call: Call): void {
    if (this.#line.remove(call) && call.endpoint !== undefined) this.#unbind(call);
  }

  /**
   * Starts those whose endpoints have a connection for them, and has connections made for the others. Fails
   * those for whom that is hopeless, with the reason.
   */
  serve(now: number): void {
    // Where one finds no endpoint, the next needn't look.
    let allClosed = false;
    for (const waiter of this.#line) {
      const { call } = waiter;
      // It has left since, or was ejected, or has asked for a pause.
      if (call.endpoint !== undefined && !serves(call.endpoint)) this.#unbind(call);
      if (call.endpoint !== undefined && !this.#pool.capacity.isOpen(call.endpoint)) {
        // It may be the dial for this one that makes the endpoint full.
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

  /** Chooses others for those that wait for an endpoint, and fails them where there are none. */
  onUnavailable(unavailable: Pod, now: number): void {
    for (const { call } of this.#line) if (call.endpoint === unavailable) this.#unbind(call);
    this.serve(now);
  }

  /** Those that wait, in order. */
  [Symbol.iterator](): Iterator<Waiter> {
    return this.#line[Symbol.iterator]();
  }

  /** Whether there is hope for one that found no endpoint. Otherwise it has failed. */
  #canWait({ call, run, moment }: Waiter): boolean {
    if (this.#pool.plan.dialFor(1, moment)) return true;
    const error = this.#pool.dials.lastError;
    if (error === undefined) return true;
    this.#line.remove(call);
    run(() => call.fail(error));
    return false;
  }

  #serve({ call, run }: Waiter, endpoint: Pod): void {
    this.#line.remove(call);
    this.#forget(endpoint);
    run(() => this.#attempts.start(call, endpoint));
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

  /** Counts one less that waits for an endpoint. */
  #forget(endpoint: Pod): void {
    const count = this.#awaited.get(endpoint)! - 1;
    if (count > 0) this.#awaited.set(endpoint, count);
    else this.#awaited.delete(endpoint);
  }
}

function serves({ isDraining, isHealthy }: Pod): boolean {
  return isHealthy && !isDraining;
}
