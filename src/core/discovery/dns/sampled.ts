import type { Family } from './families.ts';
import type { FoundAddress } from './look-up-result.ts';

/** In so many answers, an address is looked for that the last answer doesn't have. */
const ANSWERS = 10;
/** After so many addresses have left and come back, answers are samples. One alone may be a failover that was undone. */
const RETURNS = 2;

/**
 * Recognises answers that are samples of a larger set, as some name servers give: all have the same size, and addresses
 * leave and come back. Then an address that was in one of the last answers still belongs to the set. After a rollout,
 * no address comes back; and a pod that isn't ready for a while changes the size.
 */
export class Sampled {
  /** The last answers by address and port, the newest first. */
  #answers: ReadonlyMap<string, FoundAddress>[] = [];
  #family: Family | undefined;
  readonly #returned = new Set<string>();

  /** Adds an answer. Returns what the set probably is. */
  add(addresses: readonly FoundAddress[], family: Family): readonly FoundAddress[] {
    const answer = new Map(addresses.map((found) => [`${found.address} ${found.port ?? ''}`, found]));
    const [last] = this.#answers;
    if (last?.size !== answer.size || family !== this.#family) this.#forget();
    this.#family = family;
    for (const key of answer.keys()) {
      if (!last?.has(key) && this.#answers.some((before) => before.has(key))) this.#returned.add(key);
    }
    this.#answers = [answer, ...this.#answers.slice(0, ANSWERS - 1)];
    if (this.#returned.size < RETURNS) return addresses;
    const all = new Map(this.#answers.toReversed().flatMap((known) => [...known]));
    // The set is no larger than the answer now.
    if (all.size === answer.size) this.#forget();
    return [...all.values()];
  }

  #forget(): void {
    this.#answers = [];
    this.#returned.clear();
  }
}
