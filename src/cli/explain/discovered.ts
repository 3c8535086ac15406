import { setTimeout } from 'node:timers/promises';
import type { Resolution, Resolver, ResolveTarget } from '../../core/discovery/resolver.ts';

/** Milliseconds from one look to the next whether all is known. */
const PAUSE = 20;

/** Discovery that begins before an agent asks, as in a running app. The agent gets what is known then. */
export class Discovered {
  latest: Resolution | undefined;
  readonly #end = new AbortController();
  readonly #iterator: AsyncIterator<Resolution>;
  #pending: Promise<IteratorResult<Resolution>>;
  #taken = false;

  constructor(resolver: Resolver, target: ResolveTarget) {
    this.#iterator = resolver(target, this.#end.signal)[Symbol.asyncIterator]();
    this.#pending = this.#iterator.next();
  }

  /** Resolves when there is an answer and `isSettled` returns true, or after so many milliseconds. */
  async settle(milliseconds: number, isSettled: () => boolean): Promise<void> {
    const deadline = performance.now() + milliseconds;
    while (performance.now() < deadline && (this.latest === undefined || !isSettled())) {
      const next = await Promise.race([this.#pending, setTimeout(PAUSE, undefined)]);
      if (next !== undefined) this.#take(next);
      if (next?.done) return;
    }
  }

  /** For an agent with one service. */
  readonly resolve: Resolver = () => this.#goOn();

  stop(): void {
    this.#end.abort();
  }

  async *#goOn(): AsyncGenerator<Resolution> {
    if (this.#taken) return;
    this.#taken = true;
    if (this.latest !== undefined) yield this.latest;
    for (;;) {
      const next = await this.#pending;
      if (next.done) return;
      this.#take(next);
      yield next.value;
    }
  }

  #take(next: IteratorResult<Resolution>): void {
    if (next.done) return;
    this.latest = next.value;
    this.#pending = this.#iterator.next();
  }
}
