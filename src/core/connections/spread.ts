import type { Clock, Timer } from '../base/clock.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';
import { slotOf } from '../endpoints/endpoint-keys.ts';
import type { EndpointSet } from '../endpoints/endpoint-set.ts';
import type { EndpointSettings } from '../endpoints/settings.ts';
import type { ConnectionSettings } from './settings.ts';

/** Slots that a virtual IP has at least, where their number follows the rate. */
const LEAST = 8;
/** Milliseconds from one new slot to the next, so that their dials don't come all at once. */
const INTERVAL = 40;

type Bounds = Pick<EndpointSettings, 'spread'> & Pick<ConnectionSettings, 'maxSpread'>;
type SpreadSettings = Bounds & { readonly clock: Clock };
type SpreadSet = Pick<EndpointSet<Endpoint>, 'connected' | 'isVirtual'>;

/** The rate of requests, as far as the spread goes by it. */
export interface SpreadRate {
  /** Endpoints that it keeps connected; `Infinity`: it keeps none. */
  readonly affordable: number;
  /** Requests of the last moments. */
  readonly latest: number;
}

/** How many slots a virtual IP has at most. */
export function mostSlots({ spread, maxSpread }: Bounds): number {
  return spread === 'auto' ? Math.max(LEAST, maxSpread >> 1) : spread;
}

/**
 * How many slots a virtual IP is taken for. With `'auto'`, as many as the rate of requests keeps connected: with more
 * connections chance evens out more, and none of them costs a request anything as long as each has its next one before it
 * ends. They come one after the other, while requests go on; a burst that is over needs none. What becomes of
 * the rate after that is for the warm set, which decides how many of the slots are kept connected.
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
  /** Requests of the moment when the last slot was added. */
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

  /** How many there are to be now. */
  get slots(): number {
    return this.#slots;
  }

  /** Has somebody told when there are to be more, or fewer. */
  watch(onChange: () => void): void {
    this.#onChange = onChange;
  }

  /** Connections that there are to be, where it is known to which pods they lead. */
  get target(): number {
    return Math.max(1, Math.min(this.#wanted, this.#most));
  }

  /** Some time has passed in which there were requests. */
  follow(): void {
    const { affordable } = this.#rate;
    // Where no connection lasts, the rate keeps none alive.
    this.#wanted = Number.isFinite(affordable) ? Math.min(Math.floor(affordable), this.#most) : 0;
    if (this.#isShort) this.#timer ??= this.#growLater();
  }

  /**
   * There are no requests any more, or the first ones for a while: those that have come begin with as few slots as ever, and with
   * those whose connections are still there.
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

  get #isShort(): boolean {
    return this.#wanted > this.#slots && this.#set.isVirtual;
  }

  #growLater(): Timer {
    return this.#clock.schedule(() => this.#grow(), INTERVAL);
  }

  #grow(): void {
    this.#timer = undefined;
    if (!this.#isShort) return;
    this.#timer = this.#growLater();
    const { latest } = this.#rate;
    if (latest === this.#seen) return;
    this.#seen = latest;
    this.#slots++;
    this.#onChange?.();
  }
}
