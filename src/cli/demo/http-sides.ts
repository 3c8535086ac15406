import { Agent, type Dispatcher } from 'undici';
import { BalancedAgent } from '../../index.ts';
import { ClusterIP } from './cluster-ip.ts';
import { HttpPod } from './http-pod.ts';
import { Side } from './side.ts';

abstract class HttpSide extends Side {
  protected abstract readonly origin: string;
  protected abstract readonly client: Dispatcher;

  protected startPod(address: string): Promise<HttpPod> {
    return HttpPod.start(address);
  }

  async request(): Promise<void> {
    const { statusCode, body } = await this.client.request({ origin: this.origin, method: 'GET', path: '/' });
    await body.dump();
    if (statusCode !== 200) throw new Error(`status ${statusCode}`);
  }

  override async stop(): Promise<void> {
    await this.client.destroy();
    await super.stop();
  }
}

/** undici as it comes, and a ClusterIP before the pods. */
export class UndiciSide extends HttpSide {
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
export class EvenkeelSide extends HttpSide {
  readonly name = 'evenkeel';
  readonly dials = 'pods';
  protected readonly origin = 'http://orders.prod';
  protected readonly client: BalancedAgent;

  /** @param admin the port of its live page */
  constructor(network: string, admin: number | false) {
    super(network);
    this.client = new BalancedAgent({ discovery: this.discovery, admin });
  }
}
