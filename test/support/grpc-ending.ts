import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Addressed } from './manual-resolver.ts';
import { nextAddress } from './pods.ts';

/** Pods in a thread of their own, which go on while this one stands still. */
export class EndingPods {
  readonly pods: Addressed[];
  readonly #worker: Worker;
  readonly #gate: Int32Array;

  constructor(worker: Worker, gate: Int32Array, pods: Addressed[]) {
    this.#worker = worker;
    this.#gate = gate;
    this.pods = pods;
  }

  /** They end all of their connections by a GOAWAY, and this thread stands still until all of them lie unread. */
  endWhileHeld(): void {
    this.#worker.postMessage('end');
    Atomics.wait(this.#gate, 0, 0);
    Atomics.store(this.#gate, 0, 0);
  }
}

export async function startEndingPods(t: TestContext, count: number): Promise<EndingPods> {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const addresses = Array.from({ length: count }, nextAddress);
  const worker = new Worker(new URL('./grpc-ending-thread.ts', import.meta.url), {
    workerData: { addresses, gate },
  });
  t.after(() => worker.terminate());
  const [ports] = (await once(worker, 'message')) as [number[]];
  const pods = addresses.map((address, n) => ({ endpoint: { address, port: ports[n]! } }));
  return new EndingPods(worker, gate, pods);
}
