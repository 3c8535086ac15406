import { EventEmitter, on } from 'node:events';
import { Agent, type Dispatcher } from 'undici';
import { BalancedAgent, type Resolver } from '../../index.ts';
import { ClusterIP } from './cluster-ip.ts';
import { Pod } from './pod.ts';

/** A Service with pods of its own, and a client that calls it. */
export abstract class Side {
  readonly pods: Pod[] = [];
  abstract readonly name: string;
  /** Whom the client dials. */
  abstract readonly dials: string;
  protected abstract readonly origin: string;
  protected abstract readonly client: Dispatcher;
  readonly #network: string;

  /** Pods get addresses such as `127.0.1.1`, in `127.0.1`. */
  constructor(network: string) {
    this.#network = network;
  }

  async addPods(count: number): Promise<void> {
    const first = this.pods.length + 1;
    const added = Array.from({ length: count }, (_, index) => Pod.start(`${this.#network}.${first + index}`));
    this.pods.push(...(await Promise.all(added)));
  }

  async request(): Promise<void> {
    const { statusCode, body } = await this.client.request({ origin: this.origin, method: 'GET', path: '/' });
    await body.dump();
    if (statusCode !== 200) throw new Error(`status ${statusCode}`);
  }

  async stop(): Promise<void> {
    await this.client.destroy();
    for (const pod of this.pods) pod.stop();
  }
}

/** undici as it comes, and a ClusterIP before the pods. */
export class StockSide extends Side {
  readonly name = 'undici';
  readonly dials = 'ClusterIP';
  protected readonly client = new Agent();
  #clusterIP: ClusterIP | undefined;

  protected get origin(): string {
    return this.#clusterIP!.origin;
  }

  override async addPods(count: number): Promise<void> {
    await super.addPods(count);
    this.#clusterIP ??= await ClusterIP.start(this.pods);
  }

  override async stop(): Promise<void> {
    await super.stop();
    this.#clusterIP?.stop();
  }
}

/** evenkeel, which hears of the pods as they come. */
export class EvenkeelSide extends Side {
  readonly name = 'evenkeel';
  readonly dials = 'pods';
  protected readonly origin = 'http://orders.prod';
  protected readonly client: BalancedAgent;
  readonly #changes = new EventEmitter<{ change: [] }>();

  /** @param admin the port of its live page */
  constructor(network: string, admin: number | false) {
    super(network);
    const { pods } = this;
    const changes = this.#changes;
    const discovery: Resolver = async function* (_target, signal) {
      const changed = on(changes, 'change', { signal });
      do yield { endpoints: [...pods], source: 'demo', pushed: true };
      while (!(await changed.next()).done);
    };
    this.client = new BalancedAgent({ discovery, admin });
  }

  override async addPods(count: number): Promise<void> {
    await super.addPods(count);
    this.#changes.emit('change');
  }
}
