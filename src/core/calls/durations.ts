import type { Clock } from '../base/clock.ts';
import { ticksOf } from '../base/ticks.ts';
import type { Pod } from '../connections/connection.ts';
import type { Outcome } from '../health/outcome.ts';
import { type Attempt, type Call, durationOf } from './call.ts';
import { isEndHeard, tellEnd } from './telling.ts';

/** The share of the served requests that are quick. */
const QUICK = 0.1;
/** The part by which one request changes the estimate of how long quick requests take, at most. */
const STEP = 1 / 8;

/** Records how long attempts take, and knows how long the quick ones do. */
export class Durations {
  readonly #clock: Clock;
  /**
   * An estimate of the ticks that quick requests take: each served request moves it up or down a little, as in
   * https://arxiv.org/abs/1407.1121. It is 0 before the first request.
   */
  #quick = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Records how long an attempt took, if anything needs that: to read the clock costs as much as all the rest. */
  onEnded(attempt: Attempt, endpoint: Pod, result: Outcome): void {
    const { latency } = endpoint;
    const { call } = attempt;
    const weight = latency.weightOfNext(call.takenAt);
    const isHeard = isEndHeard();
    if (weight === 0 && !isHeard) return;
    const now = ticksOf(this.#clock.now());
    const duration = durationOf(call, now);
    if (weight > 0) {
      latency.count(duration, now, weight);
      // How soon an endpoint answers with an error doesn't tell how soon it would serve.
      if (result === 'success' && attempt.statusCode < 400) this.#learn(duration);
    }
    if (isHeard) tellEnd(attempt, endpoint, duration, result);
  }

  #learn(duration: number): void {
    if (this.#quick === 0) this.#quick = Math.max(duration, 1);
    else if (duration > this.#quick) this.#quick *= 1 + STEP * QUICK;
    else if (duration < this.#quick) this.#quick = Math.max(this.#quick * (1 - STEP * (1 - QUICK)), 1);
  }

  /**
   * Whether the endpoint used up the caller's time. If the call waited for most of that time, it did not; nor if the time
   * was so short that hardly any endpoint would have answered in it.
   *
   * @param now milliseconds
   */
  isEndpointsFault(call: Call, now: number): boolean {
    const duration = durationOf(call, ticksOf(now));
    return duration >= call.waited && duration >= this.#quick;
  }
}
