// What a choice among 10,000 endpoints costs in a revision, in nanoseconds of CPU: node picks-process.ts FOLDER POLICY

import { PICK_CASES, PickingService, type Policies, ringOf } from './picking.ts';
import { policiesIn } from './revision.ts';
import { median } from './statistics.ts';

const ENDPOINTS = 10_000;
const CYCLES = 100_000;
const WARM_UP = 3;
const ROUNDS = 7;

const [folder, policy] = process.argv.slice(2) as [string, string];
const run = pickerOf(policy, await policiesIn(folder));
const costs: number[] = [];
for (let round = -WARM_UP; round < ROUNDS; round++) {
  const before = process.cpuUsage();
  run(CYCLES);
  const { user, system } = process.cpuUsage(before);
  if (round >= 0) costs.push(((user + system) * 1_000) / CYCLES);
}
console.log(median(costs));

/** Picks as often as it is told. */
function pickerOf(name: string, policies: Policies): (cycles: number) => void {
  if (name === 'ring-hash') return ringOf(policies, ENDPOINTS);
  const { pickers, weights } = PICK_CASES.find((each) => each.policy === name)!;
  const service = new PickingService(ENDPOINTS, pickers(policies), weights);
  return (cycles) => service.run(cycles);
}
