/** After how many milliseconds a call counts apart, as a stream. */
export const LASTING = 5_000;

/** Something that runs: since when, and its neighbours in the list. */
export interface Runner<R> {
  readonly since: number;
  previous: R | undefined;
  next: R | undefined;
}

/** What runs, by age. Any member leaves in constant time. */
export class Running<R extends Runner<R>> {
  #first: R | undefined;
  #last: R | undefined;
  size = 0;

  add(attempt: R): void {
    attempt.previous = this.#last;
    if (this.#last === undefined) this.#first = attempt;
    else this.#last.next = attempt;
    this.#last = attempt;
    this.size++;
  }

  delete(attempt: R): void {
    const { previous, next } = attempt;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    attempt.previous = undefined;
    attempt.next = undefined;
    this.size--;
  }

  /** The oldest one, if it has run since `time` or longer. */
  olderThan(time: number): R | undefined {
    return this.#first !== undefined && this.#first.since <= time ? this.#first : undefined;
  }
}
