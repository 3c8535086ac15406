import { type Lagging, lags } from './lags.ts';
import { LeastRequest } from './least-request.ts';
import type { Candidate, Picker, PickerFactory } from './picker.ts';

/** Stands for a candidate that lags. The slot of the candidate belongs to the other picker. */
class Laggard<C extends Candidate> implements Candidate {
  readonly candidate: C;
  slot: unknown = undefined;

  constructor(candidate: C) {
    this.candidate = candidate;
  }

  get load(): number {
    return this.candidate.load;
  }

  get weight(): number {
    return this.candidate.weight;
  }
}

/**
 * Makes turns depend on loads for candidates that lag, because one of them may never answer again. Without that, each
 * caller without a timeout has its turn there once, and then none of them makes a request any more. A candidate that lags
 * keeps its turn, as long as it carries less than the candidate that would be next without it. So one that is only slow
 * gets what it would get with `least-request`, until it answers one.
 */
export class LaggingLast<C extends Lagging> implements Picker<C> {
  readonly #turns: Picker<C>;
  readonly #least = new LeastRequest<Laggard<C>>();
  readonly #laggards = new Map<C, Laggard<C>>();

  constructor(create: PickerFactory) {
    this.#turns = create<C>();
  }

  add(candidate: C): void {
    candidate.lagging = lags(candidate);
    if (!candidate.lagging) {
      this.#turns.add(candidate);
      return;
    }
    const laggard = new Laggard(candidate);
    this.#laggards.set(candidate, laggard);
    this.#least.add(laggard);
  }

  remove(candidate: C): void {
    if (!candidate.lagging) {
      this.#turns.remove(candidate);
      return;
    }
    this.#least.remove(this.#laggards.get(candidate)!);
    this.#laggards.delete(candidate);
  }

  update(candidate: C): void {
    if (candidate.lagging !== lags(candidate)) {
      this.remove(candidate);
      this.add(candidate);
    } else if (candidate.lagging) this.#least.update(this.#laggards.get(candidate)!);
    else this.#turns.update(candidate);
  }

  pick(): C | undefined {
    const next = this.#turns.pick();
    if (this.#laggards.size === 0) return next;
    const { candidate } = this.#least.pick()!;
    return next === undefined || this.before(candidate, next) ? candidate : next;
  }

  used(candidate: C): void {
    this.#turns.used(candidate);
  }

  before(a: C, b: C): boolean {
    if (a.lagging && !carriesLess(a, b)) return false;
    if (b.lagging && !carriesLess(b, a)) return true;
    return this.#turns.before(a, b);
  }
}

function carriesLess(a: Candidate, b: Candidate): boolean {
  return a.load * b.weight < b.load * a.weight;
}
