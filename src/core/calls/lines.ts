import type { Demand } from '../base/demand.ts';
import type { Pool } from '../connections/pool.ts';
import type { Attempts } from './attempts.ts';
import type { Call } from './call.ts';
import { HashLine } from './hash-line.ts';
import { RetryLine } from './retry-line.ts';
import { UpgradeLine } from './upgrade-line.ts';
import { type Waiter, WaitingLine } from './waiting-line.ts';

/** The calls of a service that wait, by what they wait for. */
export class Lines {
  /** Calls that any endpoint may serve. */
  readonly waiting: WaitingLine;
  /** When such a call last got an endpoint, on the clock. */
  movedAt = Number.NEGATIVE_INFINITY;
  /** Calls that want a socket of their own, or an event stream. */
  readonly upgrades: UpgradeLine;
  /** Calls that want another endpoint than those that have failed them. */
  readonly retries: RetryLine;
  /** Calls that want the endpoint of their key. */
  readonly hashed: HashLine;

  /**
   * @param balanceFactor how many times the mean an endpoint may carry if calls have keys; 0: no limit
   * @param serveKeyless serves the calls of `waiting` that came before a moment
   */
  constructor(
    pool: Pool,
    attempts: Attempts,
    demand: Demand,
    balanceFactor: number,
    serveKeyless: (before: number) => void,
  ) {
    this.waiting = new WaitingLine(demand);
    this.upgrades = new UpgradeLine(pool, attempts, demand);
    this.retries = new RetryLine(pool, attempts, demand);
    this.hashed = new HashLine(pool, attempts, demand, balanceFactor, serveKeyless);
  }

  /** The line for a call that has not failed anywhere. */
  lineFor({ keyHash, lasting }: Call): HashLine | UpgradeLine | WaitingLine {
    return keyHash >= 0 ? this.hashed : lasting ? this.upgrades : this.waiting;
  }

  /** Removes a call, if it waits. */
  remove(call: Call): void {
    this.waiting.remove(call);
    this.upgrades.remove(call);
    this.retries.remove(call);
    this.hashed.remove(call);
  }

  /** Removes a call, and ends it with an error. */
  fail(waiter: Waiter, error: Error): void {
    this.remove(waiter.call);
    waiter.run((call) => call.fail(error));
  }

  /** A copy, because a call that fails may make others leave. */
  all(): Waiter[] {
    return [...this.waiting, ...this.retries, ...this.upgrades, ...this.hashed];
  }
}
