// What does a pod that is ten times slower than four others do to requests at a steady rate?
//
// Real sockets, one process for all pods. The policies take turns, each with a new agent.

import { parseArgs } from 'node:util';
import { staticResolver } from '../src/core/discovery/static.ts';
import { BalancedAgent } from '../src/transports/undici/agent.ts';
import { steadily } from './support/load.ts';
import { type PodAnswer, startPods } from './support/pods.ts';
import { progress, report } from './support/report.ts';
import { median, quantile } from './support/statistics.ts';

const POLICIES = ['round-robin', 'least-request', 'peak-ewma'] as const;
/** Milliseconds that a response takes. */
const QUICK = 10;
const SLOW = 100;
const RATE = 500;

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '10' },
  },
});

const pods = await startPods({ count: 5, delay: [SLOW, QUICK, QUICK, QUICK, QUICK] });
const runs = new Map(POLICIES.map((policy) => [policy, [] as Awaited<ReturnType<typeof run>>[]]));
for (let round = 1; round <= Number(args.rounds); round++) {
  for (const policy of POLICIES) {
    progress(`${policy}: round ${round} of ${args.rounds}`);
    runs.get(policy)!.push(await run(policy));
  }
}
pods.stop();

const p99 = (policy: (typeof POLICIES)[number]) => median(runs.get(policy)!.map((each) => each.p99));
for (const policy of POLICIES) {
  const [p50, share] = (['p50', 'share'] as const).map((part) =>
    median(runs.get(policy)!.map((each) => each[part])),
  );
  const ratio = p99(policy) / p99('round-robin');
  report({
    bench: 'slow-pod',
    case: policy,
    value: ratio,
    bar: policy === 'peak-ewma' ? { atMost: 0.5 } : undefined,
    text: `p99 ${p99(policy).toFixed(0)} ms, ${ratio.toFixed(2)} times round-robin's; p50 ${p50!.toFixed(1)} ms; the slow pod has ${share!.toFixed(2)} of a fair share`,
    detail: { p99: p99(policy), p50, share, rate: RATE },
  });
}

async function run(policy: (typeof POLICIES)[number]): Promise<{ p50: number; p99: number; share: number }> {
  const { addresses, port } = pods;
  const endpoints = addresses.map((address) => ({ address, port }));
  const agent = new BalancedAgent({ policy, discovery: staticResolver(endpoints) });
  const origin = `http://orders:${port}`;
  const latencies: number[] = [];
  let slow = 0;
  const send = async () => {
    const sentAt = performance.now();
    const { body } = await agent.request({ origin, path: '/', method: 'GET' });
    const { address } = (await body.json()) as PodAnswer;
    latencies.push(performance.now() - sentAt);
    if (address === addresses[0]) slow++;
  };
  await steadily(send, RATE, 1);
  latencies.length = 0;
  slow = 0;
  await steadily(send, RATE, Number(args.seconds));
  await agent.close();
  const share = (slow * addresses.length) / latencies.length;
  return { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99), share };
}
