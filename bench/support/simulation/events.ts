import { Heap, HeapNode } from '../../../src/core/balancing/heap.ts';
import type { Clock } from '../../../src/core/base/clock.ts';

/** Simulated time, and what is to happen in it. */
export class Events implements Clock {
  #now = 0;
  readonly #due = new Heap<{ at: number; happen: () => void }>();

  now(): number {
    return this.#now;
  }

  schedule(happen: () => void, delay: number): { cancel(): void } {
    const at = this.#now + delay;
    const node = new HeapNode({ at, happen });
    this.#due.add(node, at);
    return { cancel: () => this.#due.remove(node) };
  }

  /** Lets everything happen that is due until `time`. */
  advanceTo(time: number): void {
    for (let next = this.#due.first; next !== undefined && next.value.at <= time; next = this.#due.first) {
      this.#due.remove(next);
      this.#now = next.value.at;
      next.value.happen();
    }
    this.#now = time;
  }
}
