import { fork } from 'node:child_process';
import { once } from 'node:events';
import { atExit } from './at-exit.ts';
import type { Api } from './calling.ts';
import { type Contestant, type Cost, type InterleaveOptions, interleave } from './rounds.ts';

/** Who calls: evenkeel; undici's Agent or Node's keep-alive agent; agentkeepalive; or the least that a balancer does. */
export type CallerName = 'evenkeel' | 'stock' | 'agentkeepalive' | 'bare';

export interface CallerOptions {
  name: CallerName;
  /** By way of undici's `request`, of built-in `fetch`, or of node:http. */
  api: Api | 'http';
  /** The folder of a build, for evenkeel over undici; its sources here by default. */
  folder?: string;
  /** evenkeel spreads over all of them; others call the first. */
  endpoints: readonly { address: string; port: number }[];
}

/** What a caller is told to do. */
export interface Work {
  requests: number;
  concurrency: number;
}

/** How often all contestants begin anew: what V8 makes of a program differs from process to process, by up to a tenth. */
const STARTS = 5;
/** After so many requests, V8 has compiled what it will compile. The more code, the longer that takes, and it costs CPU. */
export const WARM_UP = 40_000;

/**
 * Lets callers take turns, each in a process of its own, as in a program, which has one agent. In a process with
 * several, V8 compiles the code of Node and undici for the objects of all of them. That makes each slower, and not all
 * alike.
 *
 * @returns for each caller its costs, round by round
 */
export async function interleaveProcesses(
  callers: readonly CallerOptions[],
  work: Work,
  { title, rounds, turns }: Pick<InterleaveOptions, 'title' | 'rounds' | 'turns'>,
): Promise<Cost[][]> {
  const costs: Cost[][] = callers.map(() => []);
  for (let start = 1; start <= STARTS; start++) {
    const contestants = await Promise.all(callers.map((options) => inOwnProcess(options, work)));
    const more = await interleave(contestants, {
      title: `${title}, start ${start} of ${STARTS}`,
      rounds: Math.ceil(rounds / STARTS),
      warmUp: Math.ceil(WARM_UP / (work.requests * turns)),
      turns,
    });
    for (const { stop } of contestants) stop();
    more.forEach((each, n) => void costs[n]!.push(...each));
  }
  return costs;
}

/** @param execArgv options of Node's */
export async function inOwnProcess(
  options: CallerOptions,
  work: Work,
  execArgv: readonly string[] = process.execArgv,
): Promise<Contestant & { pid: number; stop(): void }> {
  const child = fork(new URL('./caller.ts', import.meta.url), [JSON.stringify(options)], {
    execArgv: [...execArgv],
  });
  const stop = () => void child.kill();
  atExit(stop);
  const ended = once(child, 'exit').then(([code]) =>
    Promise.reject(new Error(`a caller has ended: ${code}`)),
  );
  ended.catch(() => {});
  const answer = () => Promise.race([once(child, 'message'), ended]);
  await answer();
  return {
    name: options.name,
    pid: child.pid!,
    async turn() {
      child.send(work);
      const [cost] = await answer();
      return cost as Cost;
    },
    stop,
  };
}
