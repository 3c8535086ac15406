import { setTimeout } from 'node:timers/promises';

/** Milliseconds of work in a request. */
const WORK = 5;

/** A local server that stands for a pod. Like a small one, it works on one request at a time. */
export abstract class Pod {
  abstract readonly address: string;
  abstract readonly port: number;
  /** How many it has answered. */
  requests = 0;
  #work: Promise<unknown> = Promise.resolve();

  abstract stop(): void;

  /** Resolves when the work of a request is done, after that of all before it. */
  protected work(): Promise<void> {
    const done = this.#work
      .then(() => setTimeout(WORK))
      .then(() => {
        this.requests++;
      });
    this.#work = done;
    return done;
  }
}

/** Has a server listen at a loopback address. */
export async function listenAt<T>(address: string, listen: (address: string) => Promise<T>): Promise<T> {
  try {
    return await listen(address);
  } catch (error) {
    // Of the loopback addresses, macOS has the first one only; there a port tells pods apart.
    if (!`${error}`.includes('EADDRNOTAVAIL')) throw error;
    return await listen('127.0.0.1');
  }
}
