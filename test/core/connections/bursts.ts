// Bursts of requests to pods that take a while to answer.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Dispatcher } from 'undici';
import { ORIGIN } from '../../support/agent.ts';
import { type Pod, startPods } from '../../support/pods.ts';
import { startStopwatch } from '../../support/stopwatch.ts';

/** Sends so many requests at once. Says for how long this process ran meanwhile. */
export async function burst(agent: Dispatcher, count: number, origin = ORIGIN, path = '/'): Promise<number> {
  const watch = startStopwatch();
  await Promise.all(
    Array.from({ length: count }, async () => {
      const { body } = await agent.request({ origin, path, method: 'GET' });
      await body.dump();
    }),
  );
  return watch();
}

export function answerAfter(pods: readonly Pod[], milliseconds: number): void {
  for (const pod of pods) {
    pod.respond = (_request, response) => void setTimeout(() => response.end(pod.address), milliseconds);
  }
}

/**
 * It makes no more connections than that, at one time of three at least. Where the machine holds pods and answers up, requests
 * are long ones, for which more are made with reason; without a pace there is one for each request, each time.
 */
export async function assertConnections(
  t: TestContext,
  most: number,
  count: number,
  play: (pods: Pod[]) => Promise<unknown>,
): Promise<void> {
  const made: number[] = [];
  do {
    const pods = await startPods(t, count);
    answerAfter(pods, 5);
    await play(pods);
    made.push(connectionsOf(pods));
  } while (made.at(-1)! > most && made.length < 3);
  assert.ok(made.at(-1)! <= most, made.join());
}

export const connectionsOf = (pods: readonly Pod[]) =>
  pods.reduce((sum, pod) => sum + pod.connections.length, 0);
