import type { Demand } from '../base/demand.ts';
import type { Pool } from '../connections/pool.ts';
import type { Attempts } from './attempts.ts';
import type { Call } from './call.ts';
import { type Waiter, WaitingLine } from './waiting-line.ts';

/** The calls of a service that have failed at an endpoint, and wait for another one. */
export class RetryLine {
  readonly #pool: Pool;
  readonly #attempts: Attempts;
  readonly #line: WaitingLine;

  constructor(pool: Pool, attempts: Attempts, demand: Demand) {
    this.#pool = pool;
    this.#attempts = attempts;
    this.#line = new WaitingLine(demand);
  }

  get size(): number {
    return this.#line.size;
  }

  /** Lets a call wait that has failed at an endpoint. */
  add(call: Call, now: number): void {
    this.#line.add(call, now, this.#pool.dials.moment(), false);
  }

  remove(call: Call): void {
    this.#line.remove(call);
  }

  /** Starts the calls for which there is a connection, and fails those for which there will be none. */
  serve(now: number): void {
    for (const waiter of this.#line) {
      const { call, moment } = waiter;
      const { failed, error } = call.history!;
      const choice = this.#pool.balancer.pickOther(failed, now, moment);
      if (choice === 'soon') continue;
      this.#line.remove(call);
      waiter.run(() => {
        if (choice === undefined) call.fail(error!);
        else this.#attempts.start(call, choice);
      });
    }
  }

  /** All waiting calls, in order. */
  [Symbol.iterator](): Iterator<Waiter> {
    return this.#line[Symbol.iterator]();
  }
}
