import { setTimeout } from 'node:timers/promises';

export const CALLERS = 24;
/** Requests a second, of all callers together. */
export const RATE = 240;

/** Milliseconds between two requests of one caller. */
const PERIOD = (1_000 * CALLERS) / RATE;

/** Callers that each send a request, wait for the response, and send the next when it is time. */
export class Traffic {
  /** Milliseconds that requests took, in the order in which they ended. */
  readonly latencies: number[] = [];
  failed = 0;
  readonly #send: () => Promise<void>;
  readonly #callers: Promise<void>[];
  #stopped = false;

  constructor(send: () => Promise<void>) {
    this.#send = send;
    const start = performance.now();
    this.#callers = Array.from({ length: CALLERS }, (_, index) =>
      this.#call(start + (index * PERIOD) / CALLERS),
    );
  }

  /** Resolves when no request is under way any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#callers);
  }

  /** All callers begin at once, as after a start; then each has its turn in every period, from `turn` on. */
  async #call(turn: number): Promise<void> {
    for (let due = turn; !this.#stopped; due += PERIOD) {
      const startedAt = performance.now();
      await this.#send().catch(() => this.failed++);
      const endedAt = performance.now();
      this.latencies.push(endedAt - startedAt);
      await setTimeout(Math.max(0, due + PERIOD - endedAt));
    }
  }
}
