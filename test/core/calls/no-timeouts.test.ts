import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { BalancedAgentOptions } from '../../../src/config/options.ts';
import { startAgent } from '../../support/agent.ts';
import { HOST, startHttpAgent } from '../../support/http-agent.ts';
import { type Pod, startPods } from '../../support/pods.ts';
import { type Ask, askBy, askByHttp, BLIND } from './giving-up.ts';

const CALLERS = 20;
/** How many requests are answered before a pod hangs, and how many after that. */
const BEFORE = 300;
const AFTER = 1_000;
/**
 * How many callers the pod may hold, of which a quarter is its share. With a stock client, each caller's connection leads to
 * it with a chance of a quarter.
 */
const MOST = CALLERS / 4 + 7;

/** One of four pods takes requests and never answers. The callers wait for ever: they have no timeouts. */
async function holdsFew(t: TestContext, start: (pods: readonly Pod[]) => Ask): Promise<void> {
  const pods = await startPods(t, 4);
  for (const pod of pods)
    pod.respond = (_request, response) => setTimeout(() => response.end(pod.address), 3 * Math.random());
  const [bad] = pods as [Pod, ...Pod[]];
  const ask = start(pods);
  const end = new AbortController();
  const { signal } = end;
  let stuck = 0;
  let answers = 0;
  const hang = () => {
    bad.respond = () => {
      if (++stuck === CALLERS) end.abort();
    };
  };
  const caller = async () => {
    while (!signal.aborted) {
      await ask(`http://${HOST}`, signal).catch(() => {});
      if (++answers === BEFORE) hang();
      if (answers === BEFORE + AFTER) end.abort();
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  t.diagnostic(`${stuck} of ${CALLERS}`);
  assert.ok(stuck <= MOST, `${stuck} of ${CALLERS} callers wait for a pod that never answers`);
}

describe('callers without timeouts do not all end up at a pod that hangs', { concurrency: 4 }, () => {
  const policies: Record<string, BalancedAgentOptions> = {
    'least-request': {},
    'peak-ewma': { policy: 'peak-ewma' },
    'round-robin': BLIND['round-robin'],
    'ring-hash': BLIND['ring-hash'],
  };
  for (const [policy, options] of Object.entries(policies)) {
    test(`by request, with ${policy}`, (t) =>
      holdsFew(t, (pods) => askBy.request(startAgent(t, pods, options))));
  }
  test('by node:http, with round-robin', (t) =>
    holdsFew(t, (pods) => askByHttp(startHttpAgent(t, pods, BLIND['round-robin']))));
});
