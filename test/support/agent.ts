import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { BalancedAgentOptions } from '../../src/config/options.ts';
import { BalancedAgent } from '../../src/transports/undici/agent.ts';
import { type Addressed, ManualResolver } from './manual-resolver.ts';

export { ManualResolver };

export const ORIGIN = 'http://orders.prod';

/** Starts an agent that finds `pods` behind any name. When the test ends it is destroyed. */
export function startAgent(
  t: TestContext,
  pods: readonly Addressed[],
  options: BalancedAgentOptions = {},
): BalancedAgent {
  const agent = new BalancedAgent({ discovery: new ManualResolver(pods).resolve, ...options });
  t.after(() => agent.destroy());
  return agent;
}

/** Sends a GET request and returns the body. */
export async function get(agent: BalancedAgent, path = '/', origin = ORIGIN): Promise<string> {
  const response = await agent.request({ origin, path, method: 'GET' });
  const body = await response.body.text();
  assert.equal(response.statusCode, 200);
  return body;
}

/** Sends `count` GET requests, up to `concurrency` at once. */
export async function load(
  agent: BalancedAgent,
  count: number,
  concurrency = 1,
  origin = ORIGIN,
): Promise<void> {
  let left = count;
  const worker = async () => {
    while (left-- > 0) await get(agent, '/', origin);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}
