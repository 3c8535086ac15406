// What does a choice cost among 10,000 endpoints, compared with one among 10?

import { parseArgs } from 'node:util';
import { HashRing } from '../src/core/balancing/hash-ring.ts';
import { LeastRequest } from '../src/core/balancing/least-request.ts';
import { PeakEwma } from '../src/core/balancing/peak-ewma.ts';
import { RoundRobin } from '../src/core/balancing/round-robin.ts';
import { Turns, Weighted } from '../src/core/balancing/weighted.ts';
import { PICK_CASES, PickingService, ringOf } from './support/picking.ts';
import { report } from './support/report.ts';
import { type Contestant, type Cost, interleave } from './support/rounds.ts';
import { median, ratios } from './support/statistics.ts';

const FEW = 10;
const MANY = 10_000;
const CYCLES = 200_000;
const TURNS = 4;
const policies = { LeastRequest, RoundRobin, PeakEwma, Weighted, Turns, HashRing };

const { values: args } = parseArgs({
  options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '25' } },
});

for (const each of PICK_CASES) {
  await compete(each.policy, (endpoints) => {
    const service = new PickingService(endpoints, each.pickers(policies), each.weights);
    return (cycles) => service.run(cycles);
  });
}
await compete('ring-hash', (endpoints) => ringOf(policies, endpoints));

/** `pickerOf` makes a picker among so many endpoints, which picks as often as it is told. */
async function compete(
  policy: string,
  pickerOf: (endpoints: number) => (cycles: number) => void,
): Promise<void> {
  const contestants = [FEW, MANY].map((endpoints): Contestant => {
    const pick = pickerOf(endpoints);
    return { name: `${endpoints} endpoints`, turn: async () => pick(CYCLES / TURNS) };
  });
  const costs = await interleave(contestants, {
    title: policy,
    rounds: Number(args.rounds),
    warmUp: 5,
    turns: TURNS,
  });
  const [few, many] = costs.map((cost) => cost.map(nanoseconds)) as [number[], number[]];
  const ratio = ratios(many, few);
  report({
    bench: 'pick',
    case: policy,
    value: ratio.median,
    bar: { atMost: 2.5 },
    text:
      `${ratio.median.toFixed(2)} times (${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)}): ` +
      `${median(many).toFixed(0)} ns a request among ${MANY}, ${median(few).toFixed(0)} ns among ${FEW}`,
    detail: { ratio, few: median(few), many: median(many) },
  });
}

function nanoseconds({ wall }: Cost): number {
  return (wall * 1e6) / CYCLES;
}
