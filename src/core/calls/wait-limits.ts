import type { Clock, Timer } from '../base/clock.ts';
import type { Demand } from '../base/demand.ts';
import type { Pool } from '../connections/pool.ts';
import type { Discovery } from '../discovery/discovery.ts';
import type { Lines } from './lines.ts';
import { noEndpoints } from './no-endpoints.ts';
import type { CallSettings } from './settings.ts';
import type { Waiter } from './waiting-line.ts';

export interface WaitLimitsOptions {
  pool: Pool;
  lines: Lines;
  demand: Demand;
  discovery: Pick<Discovery, 'error' | 'onSlow'>;
  settings: CallSettings & { readonly clock: Clock };
  /** Called after each look, when dials have begun, or calls have failed. */
  onLooked: () => void;
}

/** Milliseconds from one look at the waiting calls to the next. */
const LOOK = 250;

/**
 * How long calls may wait. As long as any waits, looks at them from time to time: fails those that have waited for too
 * long, dials once more for those whose dials may be stuck, and asks discovery for another way.
 */
export class WaitLimits {
  readonly #pool: Pool;
  readonly #lines: Lines;
  readonly #demand: Demand;
  readonly #discovery: WaitLimitsOptions['discovery'];
  readonly #settings: CallSettings;
  readonly #clock: Clock;
  readonly #onLooked: () => void;
  #timer: Timer | undefined;
  /** When the next look is due, on the clock. */
  #dueAt = 0;

  constructor({ pool, lines, demand, discovery, settings, onLooked }: WaitLimitsOptions) {
    this.#pool = pool;
    this.#lines = lines;
    this.#demand = demand;
    this.#discovery = discovery;
    this.#settings = settings;
    this.#clock = settings.clock;
    this.#onLooked = onLooked;
  }

  /**
   * A call waits from now on. The timer keeps the process alive as long as it does: all else that the call waits for
   * may be unref'd.
   */
  start(): void {
    if (this.#timer !== undefined) {
      this.#timer.keepAlive?.(true);
      return;
    }
    this.#dueAt = this.#clock.now() + LOOK;
    this.#timer = this.#clock.schedule(() => this.#look(), LOOK, true);
  }

  /** No call waits. The timer is left for those that wait before it fires, but the process may end. */
  rest(): void {
    this.#timer?.keepAlive?.(false);
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    const late = now - this.#dueAt;
    // If this process was stopped, or had no CPU, it could not have served any call.
    if (late < LOOK) this.#failOverdue(now);
    else this.#forgive(late, now);
    if (late < LOOK) this.#lookElsewhere(now);
    const { waiting, hashed } = this.#lines;
    if (waiting.first !== undefined) this.#pool.plan.hedge(waiting.first.moment);
    hashed.hurry(now);
    if (this.#demand.waiting > 0) this.start();
    this.#onLooked();
  }

  /** If dials are slow, and no connected endpoint serves the waiting calls, discovery may know another way to the pods. */
  #lookElsewhere(now: number): void {
    const { set, dials } = this.#pool;
    if (this.#demand.waiting === 0 || dials.fresh === 0 || !this.#settings.comparesFamilies) return;
    const { waiting, movedAt } = this.#lines;
    const stuck = Math.min(waiting.first?.waited(now) ?? 0, now - movedAt);
    if (!set.isConnected || stuck >= LOOK) this.#discovery.onSlow();
  }

  /** Takes time off the waits in which this process could serve nothing, down to a moment before their end. */
  #forgive(late: number, now: number): void {
    const longest = Math.min(this.#longest(), this.#pool.dials.longest);
    for (const waiter of this.#lines.all()) waiter.forgive(late, now, longest);
    this.#lines.movedAt = Math.min(this.#lines.movedAt + late, now);
  }

  /** Whether dials are under way, a connection has yet to say how much it takes, or discovery may bring endpoints soon. */
  #isHopeful(): boolean {
    const { dials, set, awaitsNews, isKnown } = this.#pool;
    return dials.size > 0 || set.isOpening || awaitsNews || !isKnown;
  }

  /** How many milliseconds a call may wait, in the present situation. */
  #longest(): number {
    const { endpointTimeout, newsTimeout } = this.#settings;
    return this.#isHopeful() ? endpointTimeout : newsTimeout;
  }

  #failOverdue(now: number): void {
    const { dials, set, capacity, plan } = this.#pool;
    const { waiting, retries, upgrades, hashed, movedAt } = this.#lines;
    const longest = this.#longest();
    // If no endpoint can be connected, a stock client fails a call when a dial has taken its full time. So does evenkeel.
    const failure = set.isConnected || !this.#isHopeful() ? undefined : dials.lastFailure;
    const failAfter = (waiter: Waiter, most: number, since = Number.NEGATIVE_INFINITY) => {
      const waited = Math.min(waiter.waited(now), now - since);
      if (failure !== undefined && waited >= dials.longest) this.#lines.fail(waiter, failure);
      else if (waited >= most) this.#lines.fail(waiter, noEndpoints(this.#pool, this.#discovery.error, most));
    };
    // If no more connections may be made, or not yet, calls wait for the existing ones, without a limit.
    const waitsForThose = capacity.isSaturated || plan.pace.deferred > 0;
    const most = waitsForThose ? Number.POSITIVE_INFINITY : longest;
    // While this line moves, each call gets its turn. A stock client has no other limit for it either.
    for (const waiter of [...waiting]) failAfter(waiter, most, movedAt);
    for (const waiter of [...retries]) failAfter(waiter, most);
    for (const waiter of [...upgrades, ...hashed.unserved()]) failAfter(waiter, longest);
  }
}
