import type { Clock, Timer } from '../base/clock.ts';
import type { EndpointAddress } from '../discovery/resolver.ts';
import type { Endpoint } from './endpoint.ts';
import type { SlowStartSettings } from './settings.ts';

/** What a weight of 0 comes to: nobody waits for its turn for ever. */
const LEAST_WEIGHT = 0.01;
/** Steps in which a weight grows: few, so that many endpoints have the same one. */
const STEPS = 20;

export interface WeightsOptions<E> {
  slowStart: SlowStartSettings;
  clock: Clock;
  /** An endpoint has another weight. */
  onChange: (endpoint: E) => void;
}

/**
 * What the endpoints of a service weigh: what their resolver says, and less in the time after one has joined
 * the others, or has come back: its caches are cold, and its code is not compiled yet.
 */
export class Weights<E extends Endpoint> {
  readonly #options: WeightsOptions<E>;
  /** When those that start slowly began to. */
  readonly #starting = new Map<E, number>();
  /** Those that can't be reached, or mustn't be used. */
  readonly #absent = new WeakSet<E>();
  /** What part of their weight some have, for other reasons than being new. */
  readonly #scales = new WeakMap<E, number>();
  #timer: Timer | undefined;

  constructor(options: WeightsOptions<E>) {
    this.#options = options;
  }

  /** Takes in a set of endpoints, of which some are `fresh`. Where all are, none of them is slower than the others. */
  update(endpoints: Iterable<E>, fresh: readonly E[], allFresh: boolean): void {
    if (!allFresh) for (const endpoint of fresh) this.#start(endpoint);
    for (const endpoint of endpoints) this.#weigh(endpoint);
  }

  /** An endpoint can't be reached, or was ejected. */
  onAbsent(endpoint: E): void {
    if (this.#options.slowStart.window > 0) this.#absent.add(endpoint);
  }

  /** An endpoint can be used, if it couldn't before: it starts anew. */
  onPresent(endpoint: E): void {
    if (!this.#absent.delete(endpoint)) return;
    this.#start(endpoint);
    this.#weigh(endpoint);
  }

  /** An endpoint has that part of its weight from now on. */
  scale(endpoint: E, part: number): void {
    if (part === (this.#scales.get(endpoint) ?? 1)) return;
    this.#scales.set(endpoint, part);
    this.#weigh(endpoint);
  }

  /** Forgets an endpoint that has left: it starts nothing anew, in whatever picker it may stand for a moment. */
  forget(endpoint: E): void {
    this.#absent.delete(endpoint);
    this.#starting.delete(endpoint);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#starting.clear();
  }

  #start(endpoint: E): void {
    const { slowStart, clock } = this.#options;
    if (slowStart.window === 0) return;
    this.#starting.set(endpoint, clock.now());
    this.#timer ??= this.#tickLater();
  }

  #tickLater(): Timer {
    const { slowStart, clock } = this.#options;
    return clock.schedule(() => this.#tick(), slowStart.window / STEPS);
  }

  #tick(): void {
    for (const endpoint of this.#starting.keys()) {
      if (endpoint.isDraining) this.#starting.delete(endpoint);
      else this.#weigh(endpoint);
    }
    this.#timer = this.#starting.size > 0 ? this.#tickLater() : undefined;
  }

  #weigh(endpoint: E): void {
    const weight = baseWeight(endpoint.info) * this.#progress(endpoint) * (this.#scales.get(endpoint) ?? 1);
    if (weight === endpoint.weight) return;
    endpoint.weight = weight;
    this.#options.onChange(endpoint);
  }

  /** The share of its weight that an endpoint has come to. */
  #progress(endpoint: E): number {
    const since = this.#starting.get(endpoint);
    if (since === undefined) return 1;
    const { clock, slowStart } = this.#options;
    const age = (clock.now() - since) / slowStart.window;
    if (age >= 1) {
      this.#starting.delete(endpoint);
      return 1;
    }
    return Math.max(slowStart.minWeight, Math.floor(age * STEPS) / STEPS);
  }
}

/** What an endpoint weighs, when it isn't new. */
export function baseWeight({ weight }: EndpointAddress): number {
  return Math.max(weight ?? 1, LEAST_WEIGHT);
}
