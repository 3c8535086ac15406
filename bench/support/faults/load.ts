import { setTimeout as delay } from 'node:timers/promises';
import type { Client, Request } from './contenders.ts';
import { monotonic } from './monotonic.ts';

export interface Sample {
  readonly method: 'GET' | 'POST';
  /** When it was due, on the monotonic clock. */
  readonly at: number;
  /** Milliseconds from then until its body had come, or its failure. */
  readonly took: number;
  /** What answered, if anything did. */
  readonly pod: string | undefined;
  /** An error code, or a status of 500 and more. */
  readonly failure: string | undefined;
}

const BODY = JSON.stringify({ order: 'tea'.repeat(50) });
const GET: Request = { method: 'GET', headers: {}, body: undefined };
const POST: Request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: BODY };

/** GETs and POSTs, mixed at random, at even distances, however long each takes. */
export class Load {
  readonly #client: Client;
  readonly #samples: Sample[] = [];
  readonly #pending = new Set<Promise<void>>();
  readonly #running: Promise<void>;
  #stopped = false;

  constructor(client: Client, rate: number) {
    this.#client = client;
    this.#running = this.#run(1_000 / rate);
  }

  /** Sends no more, and fails what hasn't ended after `patience` milliseconds. */
  async stop(patience: number): Promise<readonly Sample[]> {
    this.#stopped = true;
    await this.#running;
    const abort = new AbortController();
    const timeout = delay(patience, undefined, { signal: abort.signal }).catch(() => {});
    await Promise.race([Promise.all(this.#pending), timeout]);
    abort.abort();
    await this.#client.destroy();
    await Promise.all(this.#pending);
    return this.#samples;
  }

  async #run(distance: number): Promise<void> {
    const start = monotonic();
    for (let n = 0; !this.#stopped; n++) {
      const due = start + n * distance;
      const early = due - monotonic();
      if (early > 0) await delay(early);
      // A timer may be early by a fraction of a millisecond.
      const sent: Promise<void> = this.#send(Math.min(due, monotonic())).then(
        () => void this.#pending.delete(sent),
      );
      this.#pending.add(sent);
    }
  }

  async #send(at: number): Promise<void> {
    const request = Math.random() < 0.5 ? GET : POST;
    let pod: string | undefined;
    let failure: string | undefined;
    try {
      const answer = await this.#client.send(request);
      pod = answer.pod;
      if (answer.statusCode >= 500) failure = String(answer.statusCode);
    } catch (error) {
      failure = codeOf(error as NodeJS.ErrnoException);
    }
    const { method } = request;
    this.#samples.push({ method, at, took: monotonic() - at, pod, failure });
  }
}

function codeOf(error: NodeJS.ErrnoException & { statusCode?: number }): string {
  return error.statusCode?.toString() ?? error.code ?? error.message;
}
