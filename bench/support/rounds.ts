import { progress } from './report.ts';

export interface Contestant {
  name: string;
  /** One round of the work that is compared. */
  round(): Promise<void>;
}

/** What one round cost this process: CPU of all its threads, and time that passed. Milliseconds. */
export interface Cost {
  cpu: number;
  wall: number;
}

export interface InterleaveOptions {
  title: string;
  rounds: number;
  warmUp: number;
}

/**
 * Lets contestants take turns, in one process and within seconds of each other, so that whatever else the
 * machine does meets them alike. Their order changes from round to round: each is as often first, and
 * after each of the others.
 *
 * @returns for each contestant its costs, round by round
 */
export async function interleave(
  contestants: readonly Contestant[],
  { title, rounds, warmUp }: InterleaveOptions,
): Promise<Cost[][]> {
  const costs: Cost[][] = contestants.map(() => []);
  for (let round = -warmUp; round < rounds; round++) {
    progress(round < 0 ? `${title}: warming up` : `${title}: round ${round + 1} of ${rounds}`);
    for (const index of order(contestants.length, round + warmUp)) {
      const cost = await measure(contestants[index]!);
      if (round >= 0) costs[index]!.push(cost);
    }
  }
  return costs;
}

/** The numbers below `count`, starting with another one each round, forwards and backwards in turn. */
function order(count: number, round: number): number[] {
  const forwards = Array.from({ length: count }, (_, i) => (i + round) % count);
  return round % 2 === 0 ? forwards : forwards.reverse();
}

async function measure(contestant: Contestant): Promise<Cost> {
  const startedAt = performance.now();
  const before = process.cpuUsage();
  await contestant.round();
  const { user, system } = process.cpuUsage(before);
  return { cpu: (user + system) / 1000, wall: performance.now() - startedAt };
}
