// What does following a large Service cost, and how do many clients treat an API server that comes back?
//
// 5,000 endpoints in 50 slices, of which 100 a second change. The API server is simulated, in another process,
// over TLS. Beside it, what the event loop of this machine suffers when nothing happens.

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { systemClock } from '../src/core/base/clock.ts';
import { ClusterNames } from '../src/core/discovery/kubernetes/cluster-names.ts';
import { Kubernetes } from '../src/core/discovery/kubernetes/kubernetes.ts';
import { thisPlace } from '../src/core/discovery/kubernetes/place.ts';
import { inClusterTransport } from '../src/transports/kubernetes-api/in-cluster.ts';
import { liveThrough } from '../test/support/api-fleet.ts';
import { type ApiFacts, startApiProcess } from './support/api-process.ts';
import { progress, report } from './support/report.ts';
import { quantile } from './support/statistics.ts';

const SLICES = 50;
const ENDPOINTS = 5_000;
const CHANGES = 100;

const { values: args } = parseArgs({
  options: { json: { type: 'boolean' }, seconds: { type: 'string', default: '20' } },
});
const seconds = Number(args.seconds);

const api = await startApiProcess(SLICES, ENDPOINTS / SLICES);
const updates = follow(api);
await updates.arrived(ENDPOINTS);
await delay(1_000);

progress('kubernetes: nothing happens');
const idle = { cpu: await cpuFor(seconds / 2), ...(await blocksFor(seconds / 2)) };
progress(`kubernetes: ${CHANGES} changes a second`);
api.change(CHANGES);
await delay(2_000);
const before = updates.count;
const busy = { cpu: await cpuFor(seconds), ...(await blocksFor(seconds)) };
const perSecond = (updates.count - before) / seconds / 2;
api.stop();
updates.stop();

report({
  bench: 'kubernetes',
  case: `${ENDPOINTS} endpoints, CPU`,
  value: round(busy.cpu),
  bar: { atMost: 10 },
  text: `${round(busy.cpu)} % of a core at ${CHANGES} changes a second, ${round(perSecond)} sets a second; idle ${round(idle.cpu)} %`,
  detail: { idle: idle.cpu, setsPerSecond: perSecond },
});
report({
  bench: 'kubernetes',
  case: `${ENDPOINTS} endpoints, event loop`,
  value: round(busy.longest),
  bar: { atMost: 10 },
  text: `blocked for ${round(busy.longest)} ms at the longest, ${round(busy.p99)} ms at p99; idle ${round(idle.longest)} and ${round(idle.p99)} ms`,
  detail: { p99: busy.p99, idle },
});

progress('kubernetes: simulating an outage');
const { relists } = await liveThrough({ clients: 1_000, duration: 60_000, random: Math.random });
const spread = (quantile(relists, 0.95) - quantile(relists, 0.05)) / 1_000;
report({
  bench: 'kubernetes',
  case: '1,000 clients list after 60 s',
  value: round(spread),
  bar: { atLeast: 10 },
  text: `spread over ${round(spread)} s (p5 to p95), the last ${round(relists.at(-1)! / 1_000)} s after the return`,
  detail: { last: relists.at(-1) },
});

/** Follows the Service, and does with each set what it takes to see that it has come. */
function follow({ host, port, serviceAccount }: ApiFacts) {
  const place = thisPlace({});
  const settings = {
    kubeconfig: undefined,
    namespace: undefined,
    clusterDomain: undefined,
    zone: undefined,
    nodeName: undefined,
  };
  const kubernetes = new Kubernetes({
    open: async () => inClusterTransport({ host, port: String(port), serviceAccount }),
    names: new ClusterNames(undefined, place),
    settings,
    family: 'auto',
    place,
    clock: systemClock,
    random: Math.random,
    warn: (_code, message) => process.stderr.write(`${message}\n`),
    startSpread: 0,
  });
  const abort = new AbortController();
  const arrivals = { count: 0, endpoints: 0 };
  const target = { hostname: 'orders', port: 80, protocol: 'http:' } as const;
  const run = async () => {
    for await (const finding of kubernetes.follow(
      { namespace: 'prod', name: 'orders' },
      target,
      abort.signal,
    )) {
      if (finding.name !== 'resolved' || 'error' in finding.resolution) continue;
      arrivals.count++;
      arrivals.endpoints = finding.resolution.endpoints.length;
    }
  };
  void run();
  return {
    get count() {
      return arrivals.count;
    },
    async arrived(endpoints: number) {
      while (arrivals.endpoints < endpoints) await delay(10);
    },
    stop: () => abort.abort(),
  };
}

/** The CPU that this process takes, in percent of a core. */
async function cpuFor(time: number): Promise<number> {
  const start = performance.now();
  const before = process.cpuUsage();
  await delay(time * 1_000);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 10 / (performance.now() - start);
}

/** For how many milliseconds the event loop was kept busy without a pause; not counting what others took of the CPU. */
async function blocksFor(time: number): Promise<{ longest: number; p99: number }> {
  const blocks: number[] = [];
  let [at, cpu] = [performance.now(), process.threadCpuUsage()];
  const timer = setInterval(() => {
    const { user, system } = process.threadCpuUsage(cpu);
    blocks.push(Math.min((user + system) / 1_000, performance.now() - at));
    [at, cpu] = [performance.now(), process.threadCpuUsage()];
  }, 1);
  await delay(time * 1_000);
  clearInterval(timer);
  return { longest: Math.max(...blocks), p99: quantile(blocks, 0.99) };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
