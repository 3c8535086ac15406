import { Agent, buildConnector, type Dispatcher, interceptors } from 'undici';
import { BalancedAgent } from '../../../src/agent.ts';
import type { EndpointAddress, Resolver } from '../../../src/discovery/resolver.ts';

export const CONTENDERS = ['evenkeel', 'undici', 'dns+retry', 'haproxy'] as const;
export type Contender = (typeof CONTENDERS)[number];

/** Milliseconds for which a DNS answer holds. */
const TTL = 1_000;

/** The pods that are ready, as clients are told. */
export class Membership {
  endpoints: readonly EndpointAddress[];
  #changed = Promise.withResolvers<void>();

  constructor(endpoints: readonly EndpointAddress[]) {
    this.endpoints = endpoints;
  }

  set(endpoints: readonly EndpointAddress[]): void {
    this.endpoints = endpoints;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  changed(): Promise<void> {
    return this.#changed.promise;
  }
}

const CREATE: Record<Contender, (members: Membership) => Dispatcher> = {
  evenkeel: (members) => new BalancedAgent({ discovery: resolverOf(members) }),

  // As kube-proxy does behind a ClusterIP, which is not seen on the way: a pod per connection.
  undici: (members) => {
    const connect = buildConnector({});
    let turn = 0;
    return new Agent({
      connect(options, callback) {
        const { address, port } = members.endpoints[turn++ % members.endpoints.length]!;
        connect({ ...options, hostname: address, port: String(port) }, callback);
      },
    });
  },

  'dns+retry': (members) =>
    new Agent().compose(
      interceptors.dns({
        maxTTL: TTL,
        dualStack: false,
        affinity: 4,
        lookup: (_origin, _options, callback) => {
          const records = members.endpoints.map(({ address }) => ({ address, family: 4 as const, ttl: TTL }));
          callback(null, records);
        },
      }),
      interceptors.retry(),
    ),

  // It balances; the client has nothing but one address.
  haproxy: () => new Agent(),
};

export function createDispatcher(contender: Contender, members: Membership): Dispatcher {
  return CREATE[contender](members);
}

function resolverOf(members: Membership): Resolver {
  return async function* (_target, signal) {
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    while (!signal.aborted) {
      const changed = members.changed();
      yield { endpoints: members.endpoints, source: 'bench', pushed: true };
      await Promise.race([changed, aborted]);
    }
  };
}
