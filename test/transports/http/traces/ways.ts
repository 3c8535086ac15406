import http, { type AgentOptions } from 'node:http';
import https from 'node:https';
import type { BalancedAgentOptions } from '../../../../src/config/options.ts';
import type { Resolver } from '../../../../src/core/discovery/resolver.ts';
import type { Way } from './stage.ts';

export type WayName = 'stock' | 'by hand' | 'preloaded';

/** What is compared is how a request is made, so that it is made once. */
const OPTIONS: BalancedAgentOptions = { discovery: asNamed(), retry: false };

/** Makes ready for requests by that way, in this process. */
export async function wayOf(name: WayName, address: string, ca?: string): Promise<Way> {
  const { Agent } = ca === undefined ? http : https;
  const stock = (options: AgentOptions) => new Agent({ keepAlive: true, ...options });
  if (name === 'stock') return { address, ca, agent: stock };
  if (name === 'preloaded') {
    const { install, uninstall } = await import('../../../../src/index.ts');
    return { address, ca, agent: stock, begin: () => void install(OPTIONS), end: uninstall };
  }
  const { BalancedHttpAgent, BalancedHttpsAgent } = await import('../../../../src/http.ts');
  const Balanced = ca === undefined ? BalancedHttpAgent : BalancedHttpsAgent;
  return { address, ca, agent: (options) => new Balanced({ ...OPTIONS, ...(options as object) }) };
}

/** Finds the one endpoint that a URL names. */
function asNamed(): Resolver {
  return async function* ({ hostname, port }) {
    yield { endpoints: [{ address: hostname, port }], source: 'static' };
  };
}
