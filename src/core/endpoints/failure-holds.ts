import type { Clock, Timer } from '../base/clock.ts';
import type { Endpoint } from './endpoint.ts';

/** For how many milliseconds a failed request counts as load of its endpoint. */
const HOLD = 1_000;

/**
 * Lets failed requests count as load for a moment. Without that, an endpoint that fails fast looks least loaded, and
 * gets most of the traffic.
 */
export class FailureHolds {
  /** How many requests have failed, since the start. */
  total = 0;
  readonly #clock: Clock;
  #entries: { endpoint: Endpoint; until: number }[] = [];
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(endpoint: Endpoint): void {
    this.total++;
    this.#entries.push({ endpoint, until: this.#clock.now() + HOLD });
    this.#timer ??= this.#clock.schedule(() => this.#release(), HOLD);
  }

  clear(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#entries = [];
  }

  #release(): void {
    const now = this.#clock.now();
    const first = this.#entries.findIndex(({ until }) => until > now);
    const due = first < 0 ? this.#entries.splice(0) : this.#entries.splice(0, first);
    for (const { endpoint } of due) endpoint.unhold();
    const next = this.#entries[0];
    this.#timer = next && this.#clock.schedule(() => this.#release(), next.until - now);
  }
}
