import type { Family } from './families.ts';
import type { FoundAddress } from './look-up-result.ts';

/** In so many answers, an address is looked for that the last answer doesn't have. */
const ANSWERS = 10;
/** After so many addresses, or answers with such, have left and come back, answers are samples. One may be a failover that was undone. */
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
  /** Answers with addresses that came back. */
  #returns = 0;

  /** Adds an answer. Returns what the set probably is. */
  add(addresses: readonly FoundAddress[], family: Family): readonly FoundAddress[] {
    const answer = new Map(addresses.map((found) => [`${found.address} ${found.port ?? ''}`, found]));
    const [last] = this.#answers;
    if (last?.size !== answer.size || family !== this.#family) this.#forget();
    this.#family = family;
    const back = [...answer.keys()].filter(
      (key) => !last?.has(key) && this.#answers.some((before) => before.has(key)),
    );
    for (const key of back) this.#returned.add(key);
    if (back.length > 0) this.#returns++;
    this.#answers = [answer, ...this.#answers.slice(0, ANSWERS - 1)];
    if (this.#returned.size < RETURNS || this.#returns < RETURNS) return addresses;
    const all = new Map(this.#answers.toReversed().flatMap((known) => [...known]));
    // The set is no larger than the answer now.
    if (all.size === answer.size) this.#forget();
    return [...all.values()];
  }

  #forget(): void {
    this.#answers = [];
    this.#returned.clear();
    this.#returns = 0;
  }
}
