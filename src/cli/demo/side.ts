import { EventEmitter, on } from 'node:events';
import type { Resolver } from '../../index.ts';
import type { Pod } from './pod.ts';

/** A Service with its own pods, and a client that calls it. */
export abstract class Side {
  readonly pods: Pod[] = [];
  abstract readonly name: string;
  /** What the client dials. */
  abstract readonly dials: string;
  readonly #network: string;
  readonly #changes = new EventEmitter<{ change: [] }>();

  /** @param network such as `127.0.1`: then pods have addresses such as `127.0.1.1` */
  constructor(network: string) {
    this.#network = network;
  }

  protected abstract startPod(address: string): Promise<Pod>;
  abstract request(): Promise<void>;

  async addPods(count: number): Promise<void> {
    const first = this.pods.length + 1;
    const added = Array.from({ length: count }, (_, index) =>
      this.startPod(`${this.#network}.${first + index}`),
    );
    this.pods.push(...(await Promise.all(added)));
    this.#changes.emit('change');
  }

  async stop(): Promise<void> {
    for (const pod of this.pods) pod.stop();
  }

  /** Tells evenkeel about pods as they come, as Kubernetes does with EndpointSlices. */
  protected get discovery(): Resolver {
    const { pods } = this;
    const changes = this.#changes;
    return async function* (_target, signal) {
      const changed = on(changes, 'change', { signal });
      do yield { endpoints: [...pods], source: 'demo', pushed: true };
      while (!(await changed.next()).done);
    };
  }
}
