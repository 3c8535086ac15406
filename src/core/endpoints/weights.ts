import type { Clock, Timer } from '../base/clock.ts';
import type { EndpointAddress } from '../discovery/resolver.ts';
import type { Endpoint } from './endpoint.ts';
import type { SlowStartSettings } from './settings.ts';

/** A weight of 0 counts as this much, so that no endpoint waits for ever. */
const LEAST_WEIGHT = 0.01;
/** In how many steps a weight grows: few, so that many endpoints have the same weight. */
const STEPS = 20;

export interface WeightsOptions<E> {
  slowStart: SlowStartSettings;
  clock: Clock;
  /** Called when the weight of an endpoint has changed. */
  onChange: (endpoint: E) => void;
}

/**
 * The weights of the endpoints of a service: what their resolver says, and less for a while after an endpoint has
 * joined the others, or has come back. Then its caches are cold, and its code isn't compiled yet.
 */
export class Weights<E extends Endpoint> {
  readonly #options: WeightsOptions<E>;
  /** When each endpoint that starts slowly began. */
  readonly #starting = new Map<E, number>();
  /** Endpoints that can't be reached, or may not be used. */
  readonly #absent = new WeakSet<E>();
  /** Which part of its weight an endpoint has, for other reasons than slow start. */
  readonly #scales = new WeakMap<E, number>();
  /** Whether any endpoint had only a part: of thousands, each is looked up at each change of the set. */
  #isScaled = false;
  #timer: Timer | undefined;

  constructor(options: WeightsOptions<E>) {
    this.#options = options;
  }

  /** Applies a set of endpoints, of which some are `fresh`. If all are, none starts slowly. */
  update(endpoints: Iterable<E>, fresh: readonly E[], allFresh: boolean): void {
    if (!allFresh) for (const endpoint of fresh) this.#start(endpoint);
    for (const endpoint of endpoints) this.#weigh(endpoint);
  }

  /** An endpoint can't be reached, or was ejected. */
  onAbsent(endpoint: E): void {
    if (this.#options.slowStart.window > 0) this.#absent.add(endpoint);
  }

  /** An endpoint can be used again: it starts slowly. */
  onPresent(endpoint: E): void {
    if (!this.#absent.delete(endpoint)) return;
    this.#start(endpoint);
    this.#weigh(endpoint);
  }

  /** Gives an endpoint a part of its weight, from 0 to 1. */
  scale(endpoint: E, part: number): void {
    if (part === (this.#scales.get(endpoint) ?? 1)) return;
    this.#scales.set(endpoint, part);
    this.#isScaled = true;
    this.#weigh(endpoint);
  }

  /** Forgets an endpoint that has left. It doesn't start slowly, even if it is still in a picker for a moment. */
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
    const part = this.#isScaled ? (this.#scales.get(endpoint) ?? 1) : 1;
    const weight = baseWeight(endpoint.info) * this.#progress(endpoint) * part;
    if (weight === endpoint.weight) return;
    endpoint.weight = weight;
    this.#options.onChange(endpoint);
  }

  /** Which part of its weight an endpoint has reached, from 0 to 1. */
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

/** The weight of an endpoint that isn't new. */
export function baseWeight({ weight }: EndpointAddress): number {
  return Math.max(weight ?? 1, LEAST_WEIGHT);
}
