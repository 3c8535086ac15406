// What does a call of connect-node cost this process, with its own sessions and with evenkeel's?
//
// npm run bench -- connect [--pods 3] [--seconds 20]
//
// Each pod is a process of its own. Where there are several, connect-node has a session for each, and they take calls in turn: so both
// sides have as many sockets.

import { parseArgs } from 'node:util';
import { balancedClient, startConnectPods, stockClient } from './support/connect/clients.ts';
import { report } from './support/report.ts';
import { interleave } from './support/rounds.ts';
import { median, ratios } from './support/statistics.ts';

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean' },
    pods: { type: 'string' },
    seconds: { type: 'string', default: '20' },
  },
});
/** Calls at once, and how much more CPU one may take with evenkeel. */
const WIDTHS = [
  [1, 1.15],
  [10, 1.05],
  [100, 1.05],
] as const;

for (const count of args.pods === undefined ? [1, 3] : [Number(args.pods)]) {
  const pods = await startConnectPods(count);
  const clients = { 'connect-node': stockClient(pods), evenkeel: balancedClient(pods) };
  for (const [width, atMost] of WIDTHS) {
    const calls = width === 1 ? 300 : 1_000;
    const contestants = Object.entries(clients).map(([name, client]) => ({
      name,
      turn: async () => void (await client.calls(calls, width)),
    }));
    const turns = 2;
    const costs = await interleave(contestants, {
      title: `${count} pods, ${width} at once`,
      rounds: Math.max(5, Math.round(Number(args.seconds) / 2)),
      warmUp: 2,
      turns,
    });
    const [stock, ours] = costs.map((cost) => cost.map(({ cpu }) => cpu));
    const ratio = ratios(ours!, stock!);
    const [each, usual] = [ours!, stock!].map((cpus) => (median(cpus) * 1_000) / calls / turns);
    report({
      bench: 'connect',
      case: `CPU of a call, ${count === 1 ? 'one pod' : `${count} pods`}, ${width} at once`,
      value: Number(ratio.median.toFixed(3)),
      bar: { atMost },
      text:
        `${ratio.median.toFixed(2)} × connect-node's (${ratio.low.toFixed(2)}…${ratio.high.toFixed(2)}); ` +
        `${each!.toFixed(0)} µs against ${usual!.toFixed(0)}`,
    });
  }
}
process.exit();
