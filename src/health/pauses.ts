import type { Clock, Timer } from '../clock.ts';

/** What pauses tell health, and ask of it. */
export interface PausesOwner<E> {
  /** How many endpoints there are, and how many of them aren't fit to serve. */
  readonly population: number;
  readonly unfit: number;
  isFit(endpoint: E): boolean;
  /** Whether the endpoint may be picked has changed. */
  onHealthChanged(endpoint: E): void;
}

/** The endpoints that have asked for a pause. They get it as long as another one is fit to serve. */
export class Pauses<E> {
  readonly #owner: PausesOwner<E>;
  readonly #clock: Clock;
  readonly #paused = new Map<E, { readonly until: number; readonly timer: Timer }>();
  /** None but these are left. */
  #ignored = false;

  constructor(owner: PausesOwner<E>, clock: Clock) {
    this.#owner = owner;
    this.#clock = clock;
  }

  /** How many endpoints are passed over now. */
  get passedOver(): number {
    return this.#ignored ? 0 : this.#paused.size;
  }

  allows(endpoint: E): boolean {
    return this.#paused.size === 0 || this.#ignored || !this.#paused.has(endpoint);
  }

  /** Passes an endpoint over for so many milliseconds, or for as long as it has asked for before. */
  pause(endpoint: E, duration: number): void {
    const until = this.#clock.now() + duration;
    const present = this.#paused.get(endpoint);
    if (present !== undefined && present.until >= until) return;
    present?.timer.cancel();
    const timer = this.#clock.schedule(() => this.#end(endpoint), duration);
    this.#paused.set(endpoint, { until, timer });
    if (present !== undefined) return;
    this.weigh();
    this.#owner.onHealthChanged(endpoint);
  }

  /** Forgets an endpoint that has left. */
  forget(endpoint: E): void {
    this.#paused.get(endpoint)?.timer.cancel();
    if (this.#paused.delete(endpoint)) this.weigh();
  }

  /** There are other endpoints, or others are fit. */
  weigh(): void {
    const ignored = this.#paused.size > 0 && !this.#isAnotherLeft;
    if (ignored === this.#ignored) return;
    this.#ignored = ignored;
    for (const endpoint of this.#paused.keys()) this.#owner.onHealthChanged(endpoint);
  }

  #end(endpoint: E): void {
    this.forget(endpoint);
    this.#owner.onHealthChanged(endpoint);
  }

  get #isAnotherLeft(): boolean {
    const { population, unfit } = this.#owner;
    // Those that are both count twice here, so that a larger sum says nothing.
    if (this.#paused.size + unfit < population) return true;
    let fit = 0;
    for (const endpoint of this.#paused.keys()) if (this.#owner.isFit(endpoint)) fit++;
    return fit + unfit < population;
  }
}
