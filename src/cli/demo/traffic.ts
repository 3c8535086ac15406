import { setTimeout } from 'node:timers/promises';

export const CALLERS = 24;
/** How many requests a second all callers send together. */
export const RATE = 240;

/** Milliseconds between two requests of one caller. */
const PERIOD = (1_000 * CALLERS) / RATE;

/** Callers. Each sends a request, waits for the response, and sends the next one when it is its turn. */
export class Traffic {
  /** How many milliseconds each request took, in the order in which they ended. */
  readonly latencies: number[] = [];
  failed = 0;
  /** Resolves when each caller has had its first response. The client then has as many connections as it will ever need. */
  readonly begun: Promise<unknown>;
  readonly #send: () => Promise<void>;
  readonly #callers: readonly Promise<void>[];
  #stopped = false;

  constructor(send: () => Promise<void>) {
    this.#send = send;
    const start = performance.now();
    // All at once, as after a start. Later, each caller has its own moment in the period.
    const first = Array.from({ length: CALLERS }, () => this.#request());
    this.begun = Promise.all(first);
    this.#callers = first.map((ended, index) =>
      ended.then(() => this.#call(start + (index * PERIOD) / CALLERS)),
    );
  }

  /** Resolves when no request is under way any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#callers);
  }

  /** Sends a request in every period after `turn`. Turns that went by in the meantime are skipped. */
  async #call(turn: number): Promise<void> {
    while (!this.#stopped) {
      await setTimeout(PERIOD - ((performance.now() - turn) % PERIOD));
      await this.#request();
    }
  }

  async #request(): Promise<void> {
    const startedAt = performance.now();
    await this.#send().catch(() => this.failed++);
    this.latencies.push(performance.now() - startedAt);
  }
}
