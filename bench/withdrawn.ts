// What does it cost that a name is withdrawn (NXDOMAIN) for four seconds, while its pods are all well?
//
// 400 requests a second to six pods, of which callers abort 4 %, so that connections go all the while.

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { BalancedAgent } from '../src/transports/undici/agent.ts';
import { steadily } from './support/load.ts';
import { startPods } from './support/pods.ts';
import { progress, report } from './support/report.ts';
import { quantile } from './support/statistics.ts';

const PODS = 6;
const RATE = 400;
const ABORTED = 0.04;
/** Seconds of each part. */
const [BEFORE, WITHDRAWN, AFTER] = [4, 4, 3];
const SLOWEST = 2;
const MOST_CONNECTIONS = 100;

parseArgs({ options: { json: { type: 'boolean' } } });

const pods = await startPods({ count: PODS, delay: 10 });
const endpoints = pods.addresses.map((address) => ({ address, port: pods.port }));
const withdrawn = Promise.withResolvers<void>();
const back = Promise.withResolvers<void>();
const agent = new BalancedAgent({
  async *discovery() {
    yield { endpoints, source: 'bench' };
    await withdrawn.promise;
    yield { endpoints, source: 'bench', withdrawn: true };
    await back.promise;
    yield { endpoints, source: 'bench' };
    await delay(60_000, undefined, { ref: false });
  },
});

let sent = 0;
let failed = 0;

async function send(latencies: number[]): Promise<void> {
  const aborts = ++sent % (1 / ABORTED) === 0;
  const controller = new AbortController();
  const startedAt = performance.now();
  if (aborts) setTimeout(() => controller.abort(), 3);
  try {
    const { signal } = controller;
    const { body } = await agent.request({ origin: 'http://orders.prod', path: '/', method: 'GET', signal });
    await body.dump();
  } catch {
    if (!aborts) failed++;
  }
  if (!aborts) latencies.push(performance.now() - startedAt);
}

async function part(name: string, seconds: number): Promise<{ p99: number; connections: number }> {
  progress(`withdrawn: ${name}`);
  const latencies: number[] = [];
  const connections = await connected();
  await steadily(() => send(latencies), RATE, seconds);
  return { p99: quantile(latencies, 0.99), connections: (await connected()) - connections };
}

async function connected(): Promise<number> {
  return Object.values(await pods.counters()).reduce((sum, counters) => sum + counters.connections, 0);
}

await part('warming up', 1);
const before = await part('before', BEFORE);
withdrawn.resolve();
const during = await part('withdrawn', WITHDRAWN);
back.resolve();
const after = await part('after', AFTER);
const detail = { before, during, after, failed };
report({
  bench: 'withdrawn',
  case: 'p99 while the name is withdrawn',
  value: during.p99 / before.p99,
  bar: { atMost: SLOWEST },
  text: `${during.p99.toFixed(1)} ms, before ${before.p99.toFixed(1)} ms; ${failed} of ${sent} failed`,
  detail,
});
report({
  bench: 'withdrawn',
  case: 'connections in 3 s after',
  value: after.connections,
  bar: { atMost: MOST_CONNECTIONS },
  text: `${after.connections}; while it was withdrawn ${during.connections}`,
  detail,
});
await agent.destroy();
pods.stop();
