import { setTimeout } from 'node:timers/promises';

/** For how many milliseconds the pod works on a request. */
const WORK = 5;

/** A local server that stands for a pod. Like a small pod, it works on one request at a time. */
export abstract class Pod {
  abstract readonly address: string;
  abstract readonly port: number;
  /** How many requests it has answered. */
  requests = 0;
  #work: Promise<unknown> = Promise.resolve();

  abstract stop(): void;

  /** Resolves when the work for a request is done, after the work for all earlier ones. */
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

/** Makes a server listen on a loopback address. */
export async function listenAt<T>(address: string, listen: (address: string) => Promise<T>): Promise<T> {
  try {
    return await listen(address);
  } catch (error) {
    // macOS has the first loopback address only. There, ports tell pods apart.
    if (!`${error}`.includes('EADDRNOTAVAIL')) throw error;
    return await listen('127.0.0.1');
  }
}
