import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { EndpointAddress } from '../../src/core/discovery/resolver.ts';
import { deliver, swallow } from './kernel.ts';
import { nextAddress } from './pods.ts';

/** Connections that the kernel takes for a listener with a backlog of 1. */
const BACKLOG = 2;
/** Milliseconds in which it takes one, if it does. */
const QUICK = 500;

export interface FrozenPodOptions {
  readonly port?: number;
  /** Whether it closes each connection after an answer. */
  readonly closes?: boolean;
}

/**
 * A pod that can vanish as one does whose node has lost its network: what is connected hears nothing more, and
 * dials are not answered. It runs in a thread, which is stopped, and the queue of its listener is filled.
 */
export class FrozenPod {
  readonly #worker: Worker;
  readonly #gate = new Int32Array(new SharedArrayBuffer(4));
  readonly #fillers: Socket[] = [];
  endpoint!: EndpointAddress;

  constructor({ port = 0, closes = false }: FrozenPodOptions = {}) {
    this.#worker = new Worker(new URL('./frozen-pod-thread.ts', import.meta.url), {
      workerData: { address: nextAddress(), port, closes, gate: this.#gate },
    });
  }

  async listen(): Promise<void> {
    [this.endpoint] = await once(this.#worker, 'message');
  }

  /** It answers `/` at once, with this as the body, `/slow` after a second and a half, and nothing else. */
  get address(): string {
    return this.endpoint.address;
  }

  /** Stops it in its tracks; dials are still answered, as by a process that hangs. */
  async hang(): Promise<void> {
    const stopped = once(this.#worker, 'message');
    this.#worker.postMessage('freeze');
    await stopped;
  }

  /** Stops it, and has nothing that is sent to it arrive, for all that the kernel says. */
  async vanish(): Promise<void> {
    await this.crowd();
    swallow(this.endpoint.port);
  }

  /** Stops it, and has dials to it swallowed, as by a process that has too much to do to take connections. */
  async crowd(): Promise<void> {
    await this.hang();
    const { port, address } = this.endpoint;
    for (let n = 0; n < BACKLOG; n++) {
      const filler = connect(port, address).on('error', () => {});
      this.#fillers.push(filler);
      // Where one doesn't connect at once, connections of others have filled the queue.
      await Promise.race([once(filler, 'connect').catch(() => {}), sleep(QUICK, undefined, { ref: false })]);
    }
  }

  /** Ends any of these. */
  restore(): void {
    deliver(this.endpoint.port);
    for (const filler of this.#fillers.splice(0)) filler.destroy();
    Atomics.store(this.#gate, 0, 1);
    Atomics.notify(this.#gate, 0);
  }

  /** Lets the process end. */
  unref(): void {
    this.#worker.unref();
    for (const filler of this.#fillers) filler.unref();
  }

  async end(): Promise<void> {
    this.restore();
    await this.#worker.terminate();
  }
}

export async function startFrozenPod(
  t: Pick<TestContext, 'after'>,
  options?: FrozenPodOptions,
): Promise<FrozenPod> {
  const pod = new FrozenPod(options);
  t.after(() => pod.end());
  await pod.listen();
  return pod;
}
