import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Candidate, Observation } from '../../src/core/balancing/picker.ts';
import { RoundRobin } from '../../src/core/balancing/round-robin.ts';
import type { Clock } from '../../src/core/base/clock.ts';
import { load, ORIGIN, startAgent } from '../support/agent.ts';
import { startPassingClock } from '../support/passing-clock.ts';
import { type Pod, startPods } from '../support/pods.ts';

const options = { policy: 'peak-ewma' } as const;

function answerAfter(pod: Pod, milliseconds: number, clock: Clock): void {
  pod.respond = (_request, response) => {
    clock.schedule(() => response.end(pod.address), milliseconds);
  };
}

test('a slow pod has a small part of its share', async (t) => {
  const clock = startPassingClock(t);
  const pods = await startPods(t, 4);
  for (const pod of pods) answerAfter(pod, 2, clock);
  answerAfter(pods[0]!, 60, clock);
  const agent = startAgent(t, pods, { ...options, clock });
  await load(agent, 800, 4);
  assert.ok(pods[0]!.requests < 100, String(pods[0]!.requests));
});

test('a pod that answers 503 at once is avoided, though it is the quickest', async (t) => {
  const clock = startPassingClock(t);
  const pods = await startPods(t, 4);
  for (const pod of pods) answerAfter(pod, 2, clock);
  pods[0]!.respond = (_request, response) => response.writeHead(503).end();
  const agent = startAgent(t, pods, { ...options, clock, retry: false });
  for (let n = 0; n < 400; n++) {
    const { body } = await agent.request({ origin: ORIGIN, path: '/', method: 'GET' });
    await body.dump();
  }
  assert.ok(pods[0]!.requests < 40, String(pods[0]!.requests));
});

test('a pod that callers give up on is avoided', async (t) => {
  const clock = startPassingClock(t);
  const pods = await startPods(t, 3);
  for (const pod of pods) answerAfter(pod, 2, clock);
  const agent = startAgent(t, pods, { ...options, clock });
  await load(agent, 60, 3);
  let giveUp: (() => void) | undefined;
  pods[0]!.respond = () => clock.schedule(() => giveUp!(), 100);
  let given = 0;
  for (let n = 0; n < 100; n++) {
    const caller = new AbortController();
    giveUp = () => caller.abort();
    try {
      const { body } = await agent.request({
        origin: ORIGIN,
        path: '/',
        method: 'GET',
        signal: caller.signal,
      });
      await body.dump();
    } catch (error) {
      assert.equal((error as Error).name, 'AbortError');
      given++;
    }
  }
  // Its even share is 33.
  assert.ok(given > 0 && given <= 10, String(given));
});

test('pods that are alike are all used', async (t) => {
  const clock = startPassingClock(t);
  const pods = await startPods(t, 5);
  for (const pod of pods) answerAfter(pod, 2, clock);
  const agent = startAgent(t, pods, { ...options, clock, peakEwma: { decay: '200ms', seed: '2ms' } });
  await load(agent, 1_000, 10);
  for (const { requests } of pods) assert.ok(requests > 40, String(pods.map((pod) => pod.requests)));
});

test('a picker of one’s own that observes is told how each request has gone', async (t) => {
  const clock = startPassingClock(t);
  const pods = await startPods(t, 2);
  answerAfter(pods[0]!, 20, clock);
  pods[1]!.respond = (_request, response) => response.writeHead(503).end();
  const seen: [number, Observation][] = [];
  class Listening<C extends Candidate> extends RoundRobin<C> {
    observe(_candidate: C, latency: number, observation: Observation): void {
      seen.push([latency, observation]);
    }
  }
  const agent = startAgent(t, pods, { policy: () => new Listening(), clock, retry: false });
  for (let n = 0; n < 6; n++) {
    const { body } = await agent.request({ origin: ORIGIN, path: '/', method: 'GET' });
    await body.dump();
  }
  assert.equal(seen.length, 6);
  for (const [latency, observation] of seen)
    assert.ok(observation === 'failed' || latency >= 19, `${latency}`);
  assert.ok(seen.some(([, observation]) => observation === 'failed'));
  assert.ok(seen.some(([, observation]) => observation === 'answered'));
});
