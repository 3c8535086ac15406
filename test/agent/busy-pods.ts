import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { BalancedAgent } from '../../src/transports/undici/agent.ts';
import { ORIGIN } from '../support/agent.ts';
import { type Pod, startPods } from '../support/pods.ts';
import { seededRandom } from '../support/random.ts';
import { startStopwatch } from '../support/stopwatch.ts';

export const HEADER = 'x-user';
export const WORK = 4;

export interface Answer {
  readonly pod: string;
  /** Milliseconds in which this process ran. */
  readonly took: number;
}

/** Pods that take a moment to answer, and how many requests each has had at once at most. */
export async function startBusyPods(t: TestContext, count: number): Promise<{ pods: Pod[]; most: number[] }> {
  const pods = await startPods(t, count);
  const most = pods.map(() => 0);
  for (const [index, pod] of pods.entries()) {
    let now = 0;
    pod.respond = async (_request, response) => {
      most[index] = Math.max(most[index]!, ++now);
      await delay(WORK);
      now--;
      response.end(pod.address);
    };
  }
  return { pods, most };
}

export async function ask(agent: BalancedAgent, user?: string): Promise<Answer> {
  const took = startStopwatch();
  const headers = user === undefined ? {} : { [HEADER]: user };
  const { body } = await agent.request({ origin: ORIGIN, path: '/', method: 'GET', headers });
  return { pod: await body.text(), took: took() };
}

/** Asks one after the other, so many at once, until all are done. */
export async function askAll(
  agent: BalancedAgent,
  concurrency: number,
  users: (string | undefined)[],
): Promise<Answer[]> {
  const answers: Answer[] = [];
  const worker = async () => {
    while (users.length > 0) answers.push(await ask(agent, users.shift()));
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return answers;
}

export function usersOf(count: number, random = seededRandom(1)): string[] {
  return Array.from({ length: count }, () => `user-${Math.floor(random() * 200)}`);
}
