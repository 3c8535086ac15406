import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BalancedAgent } from '../../src/transports/undici/agent.ts';
import { startAgent } from '../support/agent.ts';
import { startPods } from '../support/pods.ts';

const REQUESTS = 10_000;
const WARM_UP = 500;

/** Sends so many requests, so many at once. */
type Send = (agent: BalancedAgent, requests: number, concurrency: number) => Promise<unknown>;

/** Tests that pods get their shares of what a caller sends. */
export function testShares(caller: string, send: Send): void {
  for (const policy of ['round-robin', 'least-request'] as const) {
    for (const concurrency of [1, 50]) {
      // For least-request at 50, it is random how long each response takes.
      const tolerance = policy === 'least-request' && concurrency > 1 ? 0.03 : 0.01;
      test(`${policy} gives each of 5 addresses its share of ${caller} at concurrency ${concurrency}`, async (t) => {
        const pods = await startPods(t, 5);
        const agent = startAgent(t, pods, { policy });
        // Who serves the first, while connections are made, depends on how long that takes.
        await send(agent, WARM_UP, concurrency);
        const before = pods.map((pod) => pod.requests);
        await send(agent, REQUESTS, concurrency);
        const fair = REQUESTS / pods.length;
        for (const requests of pods.map((pod, n) => pod.requests - before[n]!)) {
          assert.ok(Math.abs(requests - fair) <= fair * tolerance, `${requests} of ${fair}`);
        }
      });
    }
  }
}
