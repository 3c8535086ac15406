import type { Family } from './families.ts';
import type { FoundAddress } from './look-up-result.ts';

/** The answers in which an address is looked for that the last one doesn't have. */
const ANSWERS = 10;
/** Addresses that have left and come back, and answers with such: one, or all at once, may be a failover that was taken back. */
const RETURNS = 2;

/**
 * Recognises answers that are a sample of a larger set, as some name servers give: all of one size, with addresses
 * that leave and come back. An address that was in one of the last answers is then still one of the set. A rollout
 * brings none back, and a pod that isn't ready for a while changes the size.
 */
export class Sampled {
  /** The last answers, by address and port, the newest first. */
  #answers: ReadonlyMap<string, FoundAddress>[] = [];
  #family: Family | undefined;
  readonly #returned = new Set<string>();
  /** Answers with addresses that came back. */
  #returns = 0;

  /** Takes an answer. Returns what the set is, for all we know. */
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
    // The set is no larger any more.
    if (all.size === answer.size) this.#forget();
    return [...all.values()];
  }

  #forget(): void {
    this.#answers = [];
    this.#returned.clear();
    this.#returns = 0;
  }
}
