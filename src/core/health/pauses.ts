import type { Clock } from '../base/clock.ts';
import { FailureRates, tellingRun, usualRate } from './failure-rates.ts';
import type { OutlierDetection } from './outlier-detection.ts';
import { recordOf, type Suspect, type Suspects } from './standings.ts';

/** After this many 429 in a row, an endpoint may be overloaded. */
const SEVERAL = 5;
/** Over how many milliseconds 429 are counted. */
const INTERVAL = 10_000;

/**
 * Pauses endpoints that ask for it with `Retry-After`, unless too many are out already, or the other endpoints ask for
 * it too: then the cause isn't the endpoint.
 */
export class Pauses<S extends Suspect> {
  readonly #suspects: Suspects<S>;
  readonly #outliers: OutlierDetection<S>;
  readonly #clock: Clock;
  /** Which share of the responses were 429. */
  readonly #rates: FailureRates<S>;

  constructor(suspects: Suspects<S>, outliers: OutlierDetection<S>, clock: Clock) {
    this.#suspects = suspects;
    this.#outliers = outliers;
    this.#clock = clock;
    this.#rates = new FailureRates(suspects, { interval: INTERVAL, volume: Number.POSITIVE_INFINITY, clock });
  }

  /** An endpoint has answered 503, and wants no requests for `duration` milliseconds. */
  unavailable(endpoint: S, duration: number): void {
    if (!this.#outliers.isCommon(endpoint)) this.#pause(endpoint, duration);
  }

  /**
   * An endpoint has answered 429. Usually that is about one caller, who has used up a quota. It is about the endpoint
   * only if the endpoint says so to everybody, and the others don't.
   */
  limited(endpoint: S, duration: number): void {
    const health = recordOf(endpoint);
    health.limited++;
    this.#rates.failed(endpoint);
    if (health.limited < Math.max(SEVERAL, health.limitedLookAt)) return;
    const enough = tellingRun(SEVERAL, usualRate(endpoint, this.#suspects.members.values(), this.#rateOf));
    // Without this, if all endpoints say so, each response would compare its endpoint with all others.
    health.limitedLookAt = Math.min(enough, health.limited + SEVERAL);
    if (health.limited >= enough) this.#pause(endpoint, duration);
  }

  /** An endpoint has answered something other than 429. */
  unlimited({ health }: S): void {
    if (health === undefined) return;
    health.limited = 0;
    health.limitedLookAt = 0;
  }

  /** Forgets an endpoint that has left. */
  forget(endpoint: S): void {
    this.#rates.forget(endpoint);
  }

  stop(): void {
    this.#rates.stop();
  }

  /** Pauses an endpoint for `duration` milliseconds, or longer if it asked for that before. */
  #pause(endpoint: S, duration: number): void {
    const health = recordOf(endpoint);
    if (health.standing !== 'out' && !this.#outliers.standings.allowsOneMore) return;
    const until = this.#clock.now() + duration;
    if (health.pause !== undefined) {
      if (health.pause.until >= until) return;
      health.pause.timer.cancel();
    }
    const timer = this.#clock.schedule(() => {
      health.pause = undefined;
      this.#outliers.standings.review(endpoint);
    }, duration);
    health.pause = { until, timer };
    this.#outliers.standings.review(endpoint);
  }

  readonly #rateOf = (endpoint: S): number =>
    Math.max(this.#rates.rateOf(endpoint), Math.min(1, (endpoint.health?.limited ?? 0) / SEVERAL));
}
