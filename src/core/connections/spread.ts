import type { Clock, Timer } from '../base/clock.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';
import { slotOf } from '../endpoints/endpoint-keys.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import type { EndpointSettings } from '../endpoints/settings.ts';
import type { ConnectionSettings } from './settings.ts';

/** How many slots a virtual IP has at least, with `spread: 'auto'`. */
const LEAST = 8;
/** Milliseconds from one new slot to the next, so that dials don't come all at once. */
const INTERVAL = 40;

type Bounds = Pick<EndpointSettings, 'spread'> & Pick<ConnectionSettings, 'maxSpread'>;
type SpreadSettings = Bounds & { readonly clock: Clock };
type SpreadSet = Pick<EndpointSet<Endpoint>, 'connected' | 'isVirtual'>;

/** The rate of requests, which decides the spread. */
export interface SpreadRate {
  /** How many endpoints the rate keeps connected; `Infinity` if connections don't last. */
  readonly affordable: number;
  /** How many requests came in the last moments. */
  readonly latest: number;
}

/** How many slots a virtual IP has at most. */
export function mostSlots({ spread, maxSpread }: Bounds): number {
  return spread === 'auto' ? Math.max(LEAST, maxSpread >> 1) : spread;
}

/**
 * Into how many slots a virtual IP is split: each slot is an endpoint, and has its own connections. With `'auto'`, as
 * many as the rate of requests keeps connected. More connections are more even, and cost a request nothing as long as
 * each gets its next request before it closes. New slots come one after another while requests come; a short burst adds
 * none. If the rate falls later, the warm set decides how many of the slots stay connected.
 */
export class Spread {
  readonly #clock: Clock;
  readonly #set: SpreadSet;
  readonly #rate: SpreadRate;
  readonly #least: number;
  readonly #most: number;
  #slots: number;
  #wanted = 0;
  #timer: Timer | undefined;
  /** The number of requests when the last slot was added. */
  #seen = 0;
  #onChange: (() => void) | undefined;

  constructor(settings: SpreadSettings, set: SpreadSet, rate: SpreadRate) {
    const { spread, clock } = settings;
    this.#clock = clock;
    this.#set = set;
    this.#rate = rate;
    this.#least = spread === 'auto' ? LEAST : spread;
    this.#most = mostSlots(settings);
    this.#slots = this.#least;
  }

  /** How many slots there should be now. */
  get slots(): number {
    return this.#slots;
  }

  /** Calls `onChange` when there should be more slots, or fewer. */
  watch(onChange: () => void): void {
    this.#onChange = onChange;
  }

  /** How many connections there should be, if evenkeel knows which pods they lead to. */
  get target(): number {
    return Math.max(1, Math.min(this.#wanted, this.#most));
  }

  /** Some time has passed, with requests. */
  follow(): void {
    const { affordable } = this.#rate;
    // If no connection lasts, the rate keeps none alive.
    this.#wanted = Number.isFinite(affordable) ? Math.min(Math.floor(affordable), this.#most) : 0;
    if (this.#isShort()) this.#timer ??= this.#growLater();
  }

  /**
   * Requests have stopped, or have come again after a pause. Then there are as few slots as at the start, and those
   * that still have connections.
   */
  rest(): void {
    this.stop();
    let slots = this.#least;
    for (const { key } of this.#set.connected) slots = Math.max(slots, slotOf(key) + 1);
    if (slots >= this.#slots) return;
    this.#slots = slots;
    this.#onChange?.();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #isShort(): boolean {
    return this.#wanted > this.#slots && this.#set.isVirtual;
  }

  #growLater(): Timer {
    return this.#clock.schedule(() => this.#grow(), INTERVAL);
  }

  #grow(): void {
    this.#timer = undefined;
    if (!this.#isShort()) return;
    this.#timer = this.#growLater();
    const { latest } = this.#rate;
    if (latest === this.#seen) return;
    this.#seen = latest;
    this.#slots++;
    this.#onChange?.();
  }
}
