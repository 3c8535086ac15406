import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { startAgent } from '../../support/agent.ts';
import { HOST, startHttpAgent } from '../../support/http-agent.ts';
import { type Pod, startPods } from '../../support/pods.ts';
import { type Ask, askBy, askByHttp, BLIND } from './giving-up.ts';

const CALLERS = 8;
/** A caller waits while the others get so many answers, and gives up then. */
const PATIENCE = 40;
/** Callers give up after so many milliseconds in which there is no answer. */
const STANDSTILL = 100;
/** How many answers are looked at together, and how many there are at most. */
const WINDOW = 100;
const MOST = 4_000;

/**
 * Waits until a pod that hangs, one of three, gets hardly any of a hundred requests. Without holds, it has two or three
 * requests at any time, each of which is followed by another one after 40 answers of the others.
 */
async function isSpared(t: TestContext, start: (pods: readonly Pod[]) => Ask): Promise<void> {
  const pods = await startPods(t, 3);
  const [bad] = pods as [Pod, Pod, Pod];
  const ask = start(pods);
  const waiting = new Map<AbortController, number>();
  let answers = 0;
  const counts: number[] = [];
  const isOver = () => counts.at(-1)! <= 1 || answers >= MOST;
  let before = 0;
  const onAnswer = () => {
    if (++answers === WINDOW) bad.respond = () => {};
    if (answers % WINDOW === 0) {
      if (answers > WINDOW) counts.push(bad.requests - before);
      before = bad.requests;
    }
    for (const [abort, until] of waiting) if (until <= answers || isOver()) abort.abort();
  };
  const caller = async () => {
    while (!isOver()) {
      const abort = new AbortController();
      waiting.set(abort, answers + PATIENCE);
      await ask(`http://${HOST}`, abort.signal).catch(() => {});
      waiting.delete(abort);
      if (!abort.signal.aborted) onAnswer();
    }
  };
  // With a policy that doesn't look at loads, all callers may wait for that pod, and there are no answers to count.
  let answersBefore = -1;
  const timer = setInterval(() => {
    if (answers === answersBefore) for (const abort of waiting.keys()) abort.abort();
    answersBefore = answers;
  }, STANDSTILL);
  await Promise.all(Array.from({ length: CALLERS }, caller));
  clearInterval(timer);
  // What is given up while this process stands still doesn't count. So it may take more than one window.
  assert.ok(counts.at(-1)! <= 1, `it gets its share for ever: ${counts.join(', ')}`);
}

describe('a pod that hangs is spared by callers that give up without a time-out', { concurrency: 4 }, () => {
  for (const [how, by] of Object.entries(askBy)) {
    test(`by ${how}`, (t) => isSpared(t, (pods) => by(startAgent(t, pods))));
  }

  test('by request, with round-robin', (t) =>
    isSpared(t, (pods) => askBy.request(startAgent(t, pods, BLIND['round-robin']))));
  test('by node:http, with keys', (t) =>
    isSpared(t, (pods) => askByHttp(startHttpAgent(t, pods, BLIND['ring-hash, without a bound']))));

  test('by node:http, with destroy()', (t) => isSpared(t, (pods) => askByHttp(startHttpAgent(t, pods))));
});
