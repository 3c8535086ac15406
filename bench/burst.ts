// What does a cold burst of a thousand requests to five pods cost in connections, and how long does it take?
//
// A new agent for each burst, in turns with a stock Agent whose dials are spread over the pods, as kube-proxy
// would spread them.

import { parseArgs } from 'node:util';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { staticResolver } from '../src/core/discovery/static.ts';
import { BalancedAgent } from '../src/transports/undici/agent.ts';
import { SERVER_NAME } from './support/certificate.ts';
import { type Pods, startPods } from './support/pods.ts';
import { progress, report } from './support/report.ts';
import { median, quantile } from './support/statistics.ts';

interface Scenario {
  name: string;
  tls: boolean;
  /** Milliseconds that an answer takes on average. */
  delay: number;
  /** Connections for a burst, where the answers are so fast that few are enough. */
  most: number | undefined;
}

const SCENARIOS: readonly Scenario[] = [
  { name: 'answers in 5 ms', tls: false, delay: 5, most: 300 },
  { name: 'answers in 5 ms, TLS', tls: true, delay: 5, most: 300 },
  { name: 'answers in 1 s', tls: false, delay: 1_000, most: undefined },
  { name: 'answers in 1 s, TLS', tls: true, delay: 1_000, most: undefined },
];
const PODS = 5;
const BURST = 1_000;
/** How many times the p99 of stock's. */
const SLOWEST = 1.1;

interface Burst {
  connections: number;
  p99: number;
}

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean' },
    rounds: { type: 'string', default: '7' },
    only: { type: 'string', default: '' },
  },
});
const rounds = Number(args.rounds);

for (const scenario of SCENARIOS.filter(({ name }) => name.includes(args.only))) {
  const pods = await startPods({ count: PODS, tls: scenario.tls, delay: scenario.delay });
  const ours: Burst[] = [];
  const stock: Burst[] = [];
  const ways = [() => burst(pods, balanced(pods), ours), () => burst(pods, spread(pods), stock)];
  for (let round = -1; round < rounds; round++) {
    progress(`burst: ${scenario.name}, ${round < 0 ? 'warming up' : `round ${round + 1} of ${rounds}`}`);
    for (const way of round % 2 === 0 ? ways : ways.toReversed()) await way();
    // The first of each compiles the code.
    if (round < 0) for (const bursts of [ours, stock]) bursts.length = 0;
  }
  pods.stop();
  tell(scenario, ours, stock);
}

function balanced({ addresses, port, certificate }: Pods): Dispatcher {
  return new BalancedAgent({
    discovery: staticResolver(addresses.map((address) => ({ address, port }))),
    ...(certificate && { connect: { ca: certificate.cert } }),
  });
}

function spread({ addresses, certificate }: Pods): Dispatcher {
  const dial = buildConnector(certificate ? { ca: certificate.cert } : {});
  let turn = 0;
  return new Agent({
    connect: (options, callback) =>
      dial({ ...options, servername: SERVER_NAME, hostname: addresses[turn++ % PODS]! }, callback),
  });
}

async function burst(pods: Pods, agent: Dispatcher, bursts: Burst[]): Promise<void> {
  const origin = `${pods.certificate ? 'https' : 'http'}://${SERVER_NAME}:${pods.port}`;
  const before = await connectionsOf(pods);
  const latencies: number[] = [];
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: BURST }, async () => {
      const { body } = await agent.request({ origin, path: '/', method: 'GET' });
      await body.dump();
      latencies.push(performance.now() - startedAt);
    }),
  );
  bursts.push({ connections: (await connectionsOf(pods)) - before, p99: quantile(latencies, 0.99) });
  await agent.close();
}

async function connectionsOf(pods: Pods): Promise<number> {
  const counters = await pods.counters();
  return Object.values(counters).reduce((sum, { connections }) => sum + connections, 0);
}

function tell({ name, most }: Scenario, ours: readonly Burst[], stock: readonly Burst[]): void {
  const [our, their] = [ours, stock].map((bursts) => ({
    connections: median(bursts.map(({ connections }) => connections)),
    p99: median(bursts.map(({ p99 }) => p99)),
  })) as [Burst, Burst];
  const detail = { ours: our, stock: their };
  report({
    bench: 'burst',
    case: `${name}: p99`,
    value: our.p99 / their.p99,
    bar: { atMost: SLOWEST },
    text: `${our.p99.toFixed(0)} ms, stock ${their.p99.toFixed(0)} ms: ${(our.p99 / their.p99).toFixed(2)} times`,
    detail,
  });
  report({
    bench: 'burst',
    case: `${name}: connections`,
    value: our.connections,
    bar: most === undefined ? undefined : { atMost: most },
    text: `${our.connections}, stock ${their.connections}`,
    detail,
  });
}
