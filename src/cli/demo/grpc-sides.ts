import { BalancedAgent } from '../../index.ts';
import { GrpcBalancing } from '../../transports/grpc/grpc-balancing.ts';
import { type ResolverListener, tellConfig } from '../../transports/grpc/grpc-js.ts';
import { grpcSettings } from '../../transports/grpc/options.ts';
import type { GrpcCopy } from './grpc-module.ts';
import { GET, GrpcPod } from './grpc-pod.ts';
import { Side } from './side.ts';

const REQUEST = Buffer.alloc(0);
const ROUND_ROBIN = { loadBalancingConfig: [{ round_robin: {} }], methodConfig: [] };
/** Both sides call pods on this machine, whatever proxy there is. */
const CHANNEL = { 'grpc.enable_http_proxy': 0 };

abstract class GrpcSide extends Side {
  protected readonly grpc: GrpcCopy;
  protected abstract readonly target: string;
  #client: InstanceType<GrpcCopy['module']['Client']> | undefined;

  constructor(network: string, grpc: GrpcCopy) {
    super(network);
    this.grpc = grpc;
  }

  protected startPod(address: string): Promise<GrpcPod> {
    return GrpcPod.start(this.grpc.module, address);
  }

  request(): Promise<void> {
    const { Client, credentials } = this.grpc.module;
    this.#client ??= new Client(this.target, credentials.createInsecure(), CHANNEL);
    const client = this.#client;
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(GET.path, GET.requestSerialize, GET.responseDeserialize, REQUEST, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  override async stop(): Promise<void> {
    this.#client?.close();
    await super.stop();
  }
}

/** grpc-js with round_robin, and a headless Service: DNS has the addresses of the pods. */
export class RoundRobinSide extends GrpcSide {
  readonly name = 'round_robin';
  readonly dials = 'DNS';
  protected readonly target = 'demo:orders.prod';

  constructor(network: string, grpc: GrpcCopy) {
    super(network, grpc);
    const { pods } = this;

    /** Like grpc-js's own for DNS, it tells of the pods that there are whenever it is asked, which is when a connection breaks. */
    class DemoResolver {
      readonly #listener: ResolverListener;

      constructor(_target: unknown, listener: ResolverListener) {
        this.#listener = listener;
      }

      static getDefaultAuthority(): string {
        return 'orders.prod';
      }

      updateResolution(): void {
        const addresses = pods.map(({ address: host, port }) => ({ addresses: [{ host, port }] }));
        setImmediate(() => tellConfig(this.#listener, ROUND_ROBIN, addresses));
      }

      destroy(): void {}
    }

    grpc.experimental.registerResolver('demo', DemoResolver);
  }
}

/** grpc-js with evenkeel, which hears of the pods as they come. */
export class EvenkeelGrpcSide extends GrpcSide {
  readonly name = 'evenkeel';
  readonly dials = 'pods';
  protected readonly target = 'kube:///orders.prod:50051';
  readonly #balancing: GrpcBalancing;
  /** Has the page, and nothing else to do. */
  readonly #agent: BalancedAgent | undefined;

  /** @param admin the port of its live page */
  constructor(network: string, grpc: GrpcCopy, admin: number | false) {
    super(network, grpc);
    if (admin !== false) this.#agent = new BalancedAgent({ admin });
    const options = { discovery: this.discovery };
    // It balances whatever the switches of the environment say, as the agents of the other demo do.
    this.#balancing = new GrpcBalancing(grpcSettings(options), options);
    this.#balancing.take(grpc.module);
  }

  override async stop(): Promise<void> {
    this.#balancing.uninstall();
    await super.stop();
    await this.#agent?.destroy();
  }
}
