import type { Clock } from '../base/clock.ts';
import { FailureRates, tellingRun, usualRate } from './failure-rates.ts';
import { HealthRecord } from './health-record.ts';
import type { Standings, Suspect } from './standings.ts';

/** Responses in a row that say 429, of an endpoint that has too much to do. */
const SEVERAL = 5;
/** Milliseconds over which they are counted. */
const INTERVAL = 10_000;

/** What pauses ask of health. */
export interface PausesOwner<S> {
  readonly members: Iterable<S>;
  /** Whether about half of the other endpoints, or more, fail as well. */
  isCommon(endpoint: S): boolean;
}

/**
 * The endpoints that have asked for a pause. They get it if they may be out, and the others don't ask for it as well:
 * then it says nothing about them.
 */
export class Pauses<S extends Suspect> {
  readonly #owner: PausesOwner<S>;
  readonly #standings: Standings<S>;
  readonly #clock: Clock;
  /** How much is answered with 429. */
  readonly #rates: FailureRates<S>;

  constructor(owner: PausesOwner<S>, standings: Standings<S>, clock: Clock) {
    this.#owner = owner;
    this.#standings = standings;
    this.#clock = clock;
    this.#rates = new FailureRates(
      {
        get members() {
          return owner.members;
        },
        interval: INTERVAL,
        volume: Number.POSITIVE_INFINITY,
        onInterval() {},
      },
      clock,
    );
  }

  /** An endpoint says 503, and for how many milliseconds. */
  unavailable(endpoint: S, duration: number): void {
    if (!this.#owner.isCommon(endpoint)) this.#pause(endpoint, duration);
  }

  /**
   * An endpoint says 429. As a rule that is about the caller, who has used up what is theirs; about the endpoint only
   * if it says so to everybody, and the others don't.
   */
  limited(endpoint: S, duration: number): void {
    endpoint.health ??= new HealthRecord();
    const { health } = endpoint;
    health.limited++;
    this.#rates.failed(endpoint);
    if (health.limited < Math.max(SEVERAL, health.limitedLookAt)) return;
    const enough = tellingRun(SEVERAL, usualRate(endpoint, this.#owner.members, this.#rateOf));
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
    endpoint.health ??= new HealthRecord();
    const { health } = endpoint;
    if (health.standing !== 'out' && !this.#standings.hasPlace) return;
    const until = this.#clock.now() + duration;
    if (health.pause !== undefined) {
      if (health.pause.until >= until) return;
      health.pause.timer.cancel();
    }
    const timer = this.#clock.schedule(() => {
      health.pause = undefined;
      this.#standings.review(endpoint);
    }, duration);
    health.pause = { until, timer };
    this.#standings.review(endpoint);
  }

  readonly #rateOf = (endpoint: S): number =>
    Math.max(this.#rates.rateOf(endpoint), Math.min(1, (endpoint.health?.limited ?? 0) / SEVERAL));
}
