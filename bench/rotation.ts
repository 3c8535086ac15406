// What do requests pay for connections that are replaced every second?
//
// TLS pods, and as long a time of each way in turns. A pod says with each response when the connection it
// came by was made; a request that was sent earlier than that has waited for the dial.

import type { Agent as HttpsAgent } from 'node:https';
import { parseArgs } from 'node:util';
import { buildConnector, type Dispatcher, RoundRobinPool } from 'undici';
import { staticResolver } from '../src/core/discovery/static.ts';
import { BalancedHttpsAgent } from '../src/http.ts';
import { BalancedAgent } from '../src/transports/undici/agent.ts';
import { SERVER_NAME } from './support/certificate.ts';
import { KeepAliveHttpsAgent, textOf } from './support/http-calling.ts';
import { steadily } from './support/load.ts';
import { type PodAnswer, startPods } from './support/pods.ts';
import { progress, report } from './support/report.ts';
import { quantile } from './support/statistics.ts';

const PODS = 5;
const RATE = 200;
const AGE = 1_000;
/** Seconds that a turn takes. */
const TURN = 5;
/** Seconds before that for connections to be made: they have been idle while it was the others' turns. */
const SETTLING = 0.5;
/** How many times the p99 of connections that stay. */
const BAR = 1.5;

const { values: args } = parseArgs({
  options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '6' } },
});
const rounds = Number(args.rounds);

const pods = await startPods({ count: PODS, tls: true });
const { addresses, port } = pods;
const { cert: ca } = pods.certificate!;
const origin = `https://${SERVER_NAME}:${port}`;

interface Way {
  readonly name: string;
  send(): Promise<PodAnswer>;
  close(): Promise<void>;
  readonly latencies: number[];
  waited: number;
  failed: number;
}

const endpoints = addresses.map((address) => ({ address, port }));
const balanced = (maxConnectionDuration: number) =>
  new BalancedAgent({ discovery: staticResolver(endpoints), connect: { ca }, maxConnectionDuration });

const balancedHttps = (maxConnectionDuration: number) =>
  new BalancedHttpsAgent({ discovery: staticResolver(endpoints), maxConnectionDuration });

let turn = 0;
const dial = buildConnector({ ca });
const clusterIP: buildConnector.connector = (options, callback) =>
  dial({ ...options, servername: SERVER_NAME, hostname: addresses[turn++ % PODS]! }, callback);

const ways: Way[] = [
  byUndici('evenkeel, connections stay', balanced(0)),
  byUndici('evenkeel, replaced every second', balanced(AGE)),
  byUndici(
    'undici RoundRobinPool, clientTtl 1 s',
    new RoundRobinPool(origin, { connections: 8, clientTtl: AGE, connect: clusterIP }),
  ),
  byNodeHttps('evenkeel/http, connections stay', balancedHttps(0)),
  byNodeHttps('evenkeel/http, replaced every second', balancedHttps(AGE)),
  byNodeHttps(
    'agentkeepalive, socketActiveTTL 1 s',
    new KeepAliveHttpsAgent({ socketActiveTTL: AGE }),
    () => addresses[turn++ % PODS]!,
  ),
];

for (let round = 0; round < rounds; round++) {
  for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
    progress(`rotation: round ${round + 1} of ${rounds}, ${way.name}`);
    await steadily(way.send, RATE, SETTLING);
    await steadily(() => measured(way), RATE, TURN);
  }
}
for (const { name, latencies, waited, failed } of ways) {
  // Each transport is compared with its own connections that stay.
  const base = quantile(baseOf(name).latencies, 0.99);
  const p99 = quantile(latencies, 0.99);
  const ours = name.startsWith('evenkeel') && name.includes('replaced');
  report({
    bench: 'rotation',
    case: name,
    value: p99 / base,
    bar: ours ? { atMost: BAR } : undefined,
    text:
      `p50 ${quantile(latencies, 0.5).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms: ${(p99 / base).toFixed(2)} times; ` +
      `${waited} of ${latencies.length} waited for a dial, ${failed} failed`,
    detail: { p50: quantile(latencies, 0.5), p99, waited, failed, requests: latencies.length },
  });
  if (!ours || !name.startsWith('evenkeel/http')) continue;
  report({
    bench: 'rotation',
    case: `${name}: failed, or waited for a dial`,
    value: failed + waited,
    bar: { atMost: 0 },
    text: `${failed} failed, ${waited} waited`,
  });
}
await Promise.all(ways.map((way) => way.close()));
pods.stop();

function baseOf(name: string): Way {
  const [transport] = name.split(',');
  return ways.find((way) => way.name === `${transport}, connections stay`) ?? ways[0]!;
}

async function measured(way: Way): Promise<void> {
  const sentAt = process.hrtime.bigint();
  const answer = await way.send().catch(() => undefined);
  if (answer === undefined) {
    way.failed++;
    return;
  }
  const { connectedAt } = answer;
  if (BigInt(connectedAt) > sentAt) way.waited++;
  way.latencies.push(Number(process.hrtime.bigint() - sentAt) / 1e6);
}

function byUndici(name: string, dispatcher: Dispatcher): Way {
  return {
    name,
    async send() {
      const { body } = await dispatcher.request({ origin, path: '/', method: 'GET' });
      return (await body.json()) as PodAnswer;
    },
    close: () => dispatcher.close(),
    latencies: [],
    waited: 0,
    failed: 0,
  };
}

/** @param host where to, at each request; none: where the agent finds the pods */
function byNodeHttps(name: string, agent: HttpsAgent, host = () => SERVER_NAME): Way {
  return {
    name,
    async send() {
      const options = { protocol: 'https:', host: host(), port, servername: SERVER_NAME, ca, agent };
      return JSON.parse(await textOf(options)) as PodAnswer;
    },
    async close() {
      agent.destroy();
    },
    latencies: [],
    waited: 0,
    failed: 0,
  };
}
