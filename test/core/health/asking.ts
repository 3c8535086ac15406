import type { TestContext } from 'node:test';
import type { BalancedAgentOptions } from '../../../src/config/options.ts';
import type { EndpointAddress } from '../../../src/core/discovery/resolver.ts';
import type { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { ORIGIN, startAgent as start } from '../../support/agent.ts';

/** Starts an agent that asks pods in turn, whether they fail or not. */
export function startAgent(
  t: TestContext,
  pods: readonly { endpoint: EndpointAddress }[],
  options: BalancedAgentOptions = {},
) {
  return start(t, pods, { policy: 'round-robin', ...options });
}

/** The status of a GET request, or the code of its error. */
export async function ask(agent: BalancedAgent, path = '/'): Promise<number | string> {
  try {
    const { statusCode, body } = await agent.request({ origin: ORIGIN, path, method: 'GET' });
    await body.dump();
    return statusCode;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/** Sends requests one after the other; says how many failed. */
export async function askMany(agent: BalancedAgent, count: number): Promise<number> {
  let failed = 0;
  for (let n = 0; n < count; n++) if ((await ask(agent)) !== 200) failed++;
  return failed;
}

export function stateOf(
  agent: BalancedAgent,
  { endpoint }: { endpoint: EndpointAddress },
): string | undefined {
  const address = `${endpoint.address}:${endpoint.port}`;
  return agent.stats[ORIGIN]?.endpoints.find((row) => row.address === address)?.state;
}
