/** What something is that is due: it happens to somebody, who knows what is meant by `what` and `data`. */
export interface Actor {
  happen(what: number, data: unknown): void;
}

/** Something that is due. */
export class Due {
  /** Whole microseconds. */
  at: number;
  /** What is due at the same moment happens in the order in which it was entered. */
  readonly order: number;
  readonly actor: Actor;
  readonly what: number;
  readonly data: unknown;
  /** Where it stands in its agenda; -1: it doesn't. */
  index = -1;

  constructor(at: number, order: number, actor: Actor, what: number, data: unknown) {
    this.at = at;
    this.order = order;
    this.actor = actor;
    this.what = what;
    this.data = data;
  }
}

/** What is due, by time: a heap in which each has two children. */
export class Agenda {
  readonly #heap: Due[] = [];

  get size(): number {
    return this.#heap.length;
  }

  get first(): Due | undefined {
    return this.#heap[0];
  }

  /** When the first is due; Infinity: never. */
  get nextAt(): number {
    return this.#heap.length === 0 ? Number.POSITIVE_INFINITY : this.#heap[0]!.at;
  }

  add(due: Due): void {
    this.#heap.push(due);
    this.#rise(due, this.#heap.length - 1);
  }

  /** Takes one out, which need not be there any more. */
  remove(due: Due): void {
    const { index } = due;
    if (index < 0) return;
    due.index = -1;
    const last = this.#heap.pop()!;
    if (last === due) return;
    if (index > 0 && isBefore(last, this.#heap[(index - 1) >> 1]!)) this.#rise(last, index);
    else this.#sink(last, index);
  }

  /** All of it comes so many microseconds later. */
  delay(duration: number): void {
    for (const due of this.#heap) due.at += duration;
  }

  #rise(due: Due, from: number): void {
    const heap = this.#heap;
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(due, heap[parent]!)) break;
      this.#put(heap[parent]!, index);
      index = parent;
    }
    this.#put(due, index);
  }

  #sink(due: Due, from: number): void {
    const heap = this.#heap;
    let index = from;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, due)) break;
      this.#put(heap[child]!, index);
      index = child;
    }
    this.#put(due, index);
  }

  #put(due: Due, index: number): void {
    this.#heap[index] = due;
    due.index = index;
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
