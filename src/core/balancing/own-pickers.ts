import { LeastRequest } from './least-request.ts';
import type { Candidate, Observation, Picker, PickerFactory } from './picker.ts';

interface Replaceable {
  /** Replaces this picker by another one with the same candidates. */
  replace(): void;
}

/** Policies for which evenkeel has warned. */
const warned = new WeakSet<PickerFactory>();

/**
 * The pickers that the user's own policy makes for a service. If one of them throws, or picks a candidate that it
 * doesn't hold, nobody knows which candidates the others hold. From then on, all of them pick the candidate with the
 * least load, so that requests are served.
 */
export class OwnPickers {
  readonly #policy: PickerFactory;
  readonly #made: Replaceable[] = [];
  #hasFailed = false;

  constructor(policy: PickerFactory) {
    this.#policy = policy;
  }

  readonly create: PickerFactory = <C extends Candidate>() => {
    const picker = new OwnPicker<C>(this, this.#hasFailed ? undefined : this.#make<C>());
    this.#made.push(picker);
    return picker;
  };

  #make<C extends Candidate>(): Picker<C> | undefined {
    try {
      const picker = this.#policy<C>();
      if (typeof picker?.pick === 'function') return picker;
      throw new TypeError('it made no picker');
    } catch (error) {
      this.fail(error);
      return undefined;
    }
  }

  /** Doesn't use the policy from now on. */
  fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    for (const picker of this.#made) picker.replace();
    if (warned.has(this.#policy)) return;
    warned.add(this.#policy);
    const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
    process.emitWarning(
      `your own policy has failed, so evenkeel chooses the pod with the fewest requests in flight: ${message}`,
      { type: 'EvenkeelWarning', code: 'EVENKEEL_POLICY_FAILED', detail: stack },
    );
  }
}

/** One of these pickers. It knows which candidates it holds, in case another kind must replace it. */
class OwnPicker<C extends Candidate> implements Picker<C>, Replaceable {
  readonly observe?: (candidate: C, latency: number, observation: Observation) => void;
  readonly #family: OwnPickers;
  readonly #candidates = new Set<C>();
  /** The user's own picker; `undefined` once it has failed. */
  #own: Picker<C> | undefined;
  readonly #least = new LeastRequest<C>();

  constructor(family: OwnPickers, own: Picker<C> | undefined) {
    this.#family = family;
    this.#own = own;
    if (typeof own?.observe === 'function') this.observe = this.#observe;
  }

  replace(): void {
    this.#own = undefined;
    for (const candidate of this.#candidates) this.#addToLeast(candidate);
  }

  /** The slot may still belong to the picker that has failed. */
  #addToLeast(candidate: C): void {
    candidate.slot = undefined;
    this.#least.add(candidate);
  }

  add(candidate: C): void {
    this.#candidates.add(candidate);
    if (this.#own === undefined) this.#addToLeast(candidate);
    else this.#tell('add', candidate);
  }

  remove(candidate: C): void {
    this.#candidates.delete(candidate);
    if (this.#own === undefined) this.#least.remove(candidate);
    else this.#tell('remove', candidate);
  }

  update(candidate: C): void {
    if (this.#own === undefined) this.#least.update(candidate);
    else this.#tell('update', candidate);
  }

  used(candidate: C): void {
    this.#tell('used', candidate);
  }

  #tell(what: 'add' | 'remove' | 'update' | 'used', candidate: C): void {
    try {
      this.#own?.[what](candidate);
    } catch (error) {
      this.#family.fail(error);
    }
  }

  pick(): C | undefined {
    try {
      if (this.#own !== undefined) return this.#held(this.#own.pick());
    } catch (error) {
      this.#family.fail(error);
    }
    return this.#least.pick();
  }

  #held(candidate: C | undefined): C | undefined {
    if (candidate === undefined || this.#candidates.has(candidate)) return candidate;
    throw new Error('it picked what it does not hold');
  }

  before(a: C, b: C): boolean {
    try {
      if (this.#own !== undefined) return this.#own.before(a, b);
    } catch (error) {
      this.#family.fail(error);
    }
    return this.#least.before(a, b);
  }

  readonly #observe = (candidate: C, latency: number, observation: Observation): void => {
    try {
      this.#own?.observe?.(candidate, latency, observation);
    } catch (error) {
      this.#family.fail(error);
    }
  };
}
