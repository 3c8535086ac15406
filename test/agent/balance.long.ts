import { fetch as undiciFetch } from 'undici';
import type { BalancedAgent } from '../../src/transports/undici/agent.ts';
import { load, ORIGIN } from '../support/agent.ts';
import { testShares } from './shares.ts';

async function loadByFetch(
  agent: BalancedAgent,
  fetch: typeof undiciFetch,
  requests: number,
  concurrency: number,
): Promise<void> {
  let left = requests;
  const worker = async () => {
    while (left-- > 0) await (await fetch(ORIGIN, { dispatcher: agent })).text();
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

testShares('request', load);
testShares('undici fetch', (agent, requests, concurrency) =>
  loadByFetch(agent, undiciFetch, requests, concurrency),
);
testShares('built-in fetch', (agent, requests, concurrency) =>
  loadByFetch(agent, globalThis.fetch as unknown as typeof undiciFetch, requests, concurrency),
);
