import type { TestContext } from 'node:test';
import type * as GrpcJs from '@grpc/grpc-js';
import { EchoClient } from './grpc-client.ts';
import { grpc } from './grpc-pod.ts';
import type { Addressed } from './manual-resolver.ts';

interface Listener {
  onSuccessfulResolution(
    endpoints: object[],
    config: null,
    error: null,
    selector: null,
    attributes: object,
  ): void;
}

interface Experimental {
  registerResolver(scheme: string, resolver: unknown): void;
}

let pods: readonly Addressed[] | undefined;

/** Resolves all targets of the scheme to these pods, in the next turn, and once: grpc-js asks again at once. `undefined`: never. */
class ListResolver {
  readonly #listener: Listener | ((...told: unknown[]) => boolean);

  #isTold = false;

  constructor(_target: unknown, listener: Listener | (() => boolean)) {
    this.#listener = listener;
  }

  updateResolution(): void {
    if (pods === undefined || this.#isTold) return;
    this.#isTold = true;
    const endpoints = pods.map(({ endpoint: { address, port } }) => ({
      addresses: [{ host: address, port }],
    }));
    const listener = this.#listener;
    setImmediate(() => {
      if (typeof listener === 'function') listener({ ok: true, value: endpoints }, {}, null, '');
      else listener.onSuccessfulResolution(endpoints, null, null, null, {});
    });
  }

  destroy(): void {}

  static getDefaultAuthority(): string {
    return 'orders.prod:50051';
  }
}

const ROUND_ROBIN = { loadBalancingConfig: [{ round_robin: {} }] };

/** A channel of grpc-js alone, with round_robin over these pods; `undefined`: nobody says which there are. */
export function startStock(
  t: TestContext,
  found: readonly Addressed[] | undefined,
  options: Partial<GrpcJs.ClientOptions> = {},
  config: object = {},
): EchoClient {
  pods = found;
  (grpc.experimental as unknown as Experimental).registerResolver('list', ListResolver);
  const serviceConfig = JSON.stringify({ ...ROUND_ROBIN, ...config });
  const client = new EchoClient('list:///orders.prod:50051', {
    'grpc.service_config': serviceConfig,
    ...options,
  });
  t.after(() => client.close());
  return client;
}
