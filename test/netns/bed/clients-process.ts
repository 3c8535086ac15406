import { Resolver } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Agent, type Dispatcher } from 'undici';
import type { Settings } from '../../../src/config/settings.ts';
import { BalancedAgent, type BalancedAgentOptions } from '../../../src/index.ts';
import { LoadClient, type LoadReport } from './load-client.ts';
import { serve } from './peer.ts';

/** `break-before-make`: evenkeel, whose connections retire before there are others in their place. */
export type DispatcherName = 'evenkeel' | 'break-before-make' | 'undici';

export interface ClientSpec {
  readonly dispatcher: DispatcherName;
  readonly options: object;
  readonly origin: string;
  /** The address of the DNS server. */
  readonly dns: string;
  /** The certificate to trust. */
  readonly ca: string;
}

const clients: LoadClient[] = [];

const methods = {
  /** Returns what the client is called from then on. */
  start({ dispatcher, options, origin, dns, ca }: ClientSpec): number {
    const create = CREATE[dispatcher];
    return clients.push(new LoadClient(create(options, dns, ca), origin)) - 1;
  },

  steady(client: number, rate: number, seconds: number, atOnce: number): Promise<LoadReport> {
    return clients[client]!.steady(rate, seconds, atOnce);
  },

  bursts(client: number, size: number, times: number, seconds: number): Promise<LoadReport> {
    return clients[client]!.bursts(size, times, seconds);
  },

  flatOut(client: number, requests: number, concurrency: number): Promise<LoadReport> {
    return clients[client]!.flatOut(requests, concurrency);
  },

  openWebSockets(client: number, count: number): Promise<void> {
    return clients[client]!.openWebSockets(count);
  },

  echoes(client: number): Promise<number> {
    return clients[client]!.echoes();
  },

  destroy(client: number): Promise<void> {
    return clients[client]!.dispatcher.destroy();
  },
};

export type ClientsMethods = typeof methods;

function createEvenkeel(options: BalancedAgentOptions, dns: string, ca: string): BalancedAgent {
  return new BalancedAgent({ discovery: 'dns', dns: { servers: [dns] }, connect: { ca }, ...options });
}

function createBreakBeforeMake(options: BalancedAgentOptions, dns: string, ca: string): Dispatcher {
  const agent = createEvenkeel(options, dns, ca);
  // No option: nobody but a measurement wants it.
  (agent as unknown as { settings: Settings }).settings.makeBeforeBreak = false;
  return agent;
}

/** Stock undici, which asks the same DNS server as getaddrinfo would ask one of resolv.conf's. */
function createUndici(options: Agent.Options, dns: string, ca: string): Dispatcher {
  const resolver = new Resolver();
  resolver.setServers([dns]);
  const lookup: LookupFunction = (hostname, _options, callback) => {
    resolver.resolve4(hostname, (error, addresses = []) =>
      callback(
        error,
        addresses.map((address) => ({ address, family: 4 })),
      ),
    );
  };
  return new Agent({ connect: { lookup, ca }, ...options });
}

const CREATE = {
  evenkeel: createEvenkeel,
  'break-before-make': createBreakBeforeMake,
  undici: createUndici,
} satisfies Record<DispatcherName, unknown>;

serve(methods);
