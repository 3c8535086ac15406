// The process of one contestant: it sends as many requests as it is told to, and says what they cost it.

import { Agent as NodeAgent } from 'node:http';
import { Agent } from 'undici';
import { type Api, sender } from './calling.ts';
import { flatOut } from './load.ts';
import type { CallerName, CallerOptions, Work } from './own-process.ts';
import { builtIn } from './revision.ts';

type Send = () => Promise<unknown>;

/** So many requests come one by one first: V8 learns that what a request leaves behind is garbage soon. */
const GENTLE = 2_000;

const CALLERS: Record<CallerName, (options: CallerOptions) => Promise<Send>> = {
  async evenkeel(options) {
    return options.api === 'http'
      ? byHttp(options, await balancedHttp(options))
      : byUndici(options, await balanced(options));
  },
  async stock(options) {
    return options.api === 'http'
      ? byHttp(options, new NodeAgent({ keepAlive: true }))
      : byUndici(options, new Agent());
  },
  async agentkeepalive(options) {
    const { KeepAliveAgent } = await import('./http-calling.ts');
    return byHttp(options, new KeepAliveAgent());
  },
  async bare(options) {
    if (options.api !== 'http') {
      const { BareBalancer } = await import('./bare-balancer.ts');
      return byUndici(options, new BareBalancer(options.endpoints));
    }
    const { BareHttpAgent } = await import('./bare-http-agent.ts');
    return byHttp(options, new BareHttpAgent(options.endpoints));
  },
};

const options = JSON.parse(process.argv[2]!) as CallerOptions;
const send = await CALLERS[options.name](options);
await flatOut(send, GENTLE, 1);
process.on('message', ({ requests, concurrency }: Work) => void work(requests, concurrency));
process.send!('ready');

async function work(requests: number, concurrency: number): Promise<void> {
  const startedAt = performance.now();
  const before = process.cpuUsage();
  await flatOut(send, requests, concurrency);
  const { user, system } = process.cpuUsage(before);
  process.send!({ cpu: (user + system) / 1000, wall: performance.now() - startedAt });
}

async function balanced({ endpoints, folder }: CallerOptions) {
  const { BalancedAgent, staticResolver } =
    folder === undefined ? await import('../../src/index.ts') : (await builtIn(folder, 'it')).package;
  return new BalancedAgent({ discovery: staticResolver(endpoints) });
}

async function balancedHttp({ endpoints }: CallerOptions) {
  const { staticResolver } = await import('../../src/index.ts');
  const { BalancedHttpAgent } = await import('../../src/http.ts');
  return new BalancedHttpAgent({ discovery: staticResolver(endpoints) });
}

function byUndici({ api, endpoints }: CallerOptions, agent: Parameters<typeof sender>[1]): Send {
  const [first] = endpoints;
  return sender(api as Api, agent, `http://${first!.address}:${first!.port}`);
}

async function byHttp({ endpoints }: CallerOptions, agent: NodeAgent): Promise<Send> {
  const { sendBy } = await import('./http-calling.ts');
  const [first] = endpoints;
  const options = { host: first!.address, port: first!.port, agent };
  return () => sendBy(options);
}
