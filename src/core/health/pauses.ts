import type { Clock } from '../base/clock.ts';
import { FailureRates, tellingRun, usualRate } from './failure-rates.ts';
import type { OutlierDetection } from './outlier-detection.ts';
import { type Fleet, recordOf, type Suspect } from './standings.ts';

/** Responses in a row that say 429, of an endpoint that has too much to do. */
const SEVERAL = 5;
/** Milliseconds over which they are counted. */
const INTERVAL = 10_000;

/**
 * The endpoints that have asked for a pause. They get it if they may be out, and the others don't ask for it as well:
 * then it says nothing about them.
 */
export class Pauses<S extends Suspect> {
  readonly #fleet: Fleet<S>;
  readonly #outliers: OutlierDetection<S>;
  readonly #clock: Clock;
  /** How much is answered with 429. */
  readonly #rates: FailureRates<S>;

  constructor(fleet: Fleet<S>, outliers: OutlierDetection<S>, clock: Clock) {
    this.#fleet = fleet;
    this.#outliers = outliers;
    this.#clock = clock;
    this.#rates = new FailureRates(fleet, { interval: INTERVAL, volume: Number.POSITIVE_INFINITY, clock });
  }

  /** An endpoint says 503, and for how many milliseconds. */
  unavailable(endpoint: S, duration: number): void {
    if (!this.#outliers.isCommon(endpoint)) this.#pause(endpoint, duration);
  }

  /**
   * An endpoint says 429. As a rule that is about the caller, who has used up what is theirs; about the endpoint only
   * if it says so to everybody, and the others don't.
   */
  limited(endpoint: S, duration: number): void {
    const health = recordOf(endpoint);
    health.limited++;
    this.#rates.failed(endpoint);
    if (health.limited < Math.max(SEVERAL, health.limitedLookAt)) return;
    const enough = tellingRun(SEVERAL, usualRate(endpoint, this.#fleet.members.values(), this.#rateOf));
    // Where all say so, each would be compared with all.
    health.limitedLookAt = Math.min(enough, health.limited + SEVERAL);
    if (health.limited >= enough) this.#pause(endpoint, duration);
  }

  /** An endpoint has answered something else. */
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

  /** Passes an endpoint over for so long, or for as long as it has asked for before. */
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
