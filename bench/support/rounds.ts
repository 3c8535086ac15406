import { progress } from './report.ts';

export interface Contestant {
  name: string;
  /** Some of the work that is compared: as much as a turn takes. Returns what it cost, if another process did it. */
  turn(): Promise<void> | Promise<Cost>;
  /** What has to be so during the turn: it begins and ends outside of what is measured. */
  prepare?(): () => void;
}

/** What one round cost a process: CPU of all its threads, and time that passed. Milliseconds. */
export interface Cost {
  cpu: number;
  wall: number;
}

export interface InterleaveOptions {
  title: string;
  rounds: number;
  /** Rounds that don't count. */
  warmUp: number;
  /** How often contestants take turns within one round. */
  turns: number;
}

/**
 * Lets contestants take turns, within seconds of each other, so that whatever else the machine does meets them alike. A round is several short turns of each; their order changes, so that each
 * comes after each of the others as often.
 *
 * @returns for each contestant its costs, round by round
 */
export async function interleave(
  contestants: readonly Contestant[],
  { title, rounds, warmUp, turns }: InterleaveOptions,
): Promise<Cost[][]> {
  const costs: Cost[][] = contestants.map(() => []);
  for (let round = -warmUp; round < rounds; round++) {
    progress(round < 0 ? `${title}: warming up` : `${title}: round ${round + 1} of ${rounds}`);
    const sums = contestants.map((): Cost => ({ cpu: 0, wall: 0 }));
    for (let turn = 0; turn < turns; turn++) {
      for (const index of order(contestants.length, (round + warmUp) * turns + turn)) {
        await add(contestants[index]!, sums[index]!);
      }
    }
    if (round >= 0) sums.forEach((sum, index) => void costs[index]!.push(sum));
  }
  return costs;
}

/** The numbers below `count`, starting with another one each turn, forwards and backwards alternately. */
function order(count: number, turn: number): number[] {
  const forwards = Array.from({ length: count }, (_, i) => (i + turn) % count);
  return turn % 2 === 0 ? forwards : forwards.reverse();
}

async function add(contestant: Contestant, sum: Cost): Promise<void> {
  const undo = contestant.prepare?.();
  const startedAt = performance.now();
  const before = process.cpuUsage();
  const elsewhere = await contestant.turn();
  const { user, system } = process.cpuUsage(before);
  sum.cpu += elsewhere?.cpu ?? (user + system) / 1000;
  sum.wall += elsewhere?.wall ?? performance.now() - startedAt;
  undo?.();
}
