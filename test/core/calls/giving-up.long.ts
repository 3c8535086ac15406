import assert from 'node:assert/strict';
import { Agent as HttpAgent } from 'node:http';
import { type TestContext, test } from 'node:test';
import { Agent } from 'undici';
import { startAgent } from '../../support/agent.ts';
import { HOST, startHttpAgent } from '../../support/http-agent.ts';
import { type Pod, startPods } from '../../support/pods.ts';
import { startVirtualIp } from '../../support/virtual-ip.ts';
import { type Ask, askBy, askByHttp, BLIND } from './giving-up.ts';

const ROUNDS = 4;
const CALLERS = 8;
const REQUESTS = 3_000;
/** Milliseconds after which callers give up. */
const PATIENCE = 300;
/**
 * The standard deviation of what connections at random cost in one round. Each of eight connections leads to the pod
 * that hangs with a chance of a third, and so does each one that replaces it: a geometric distribution each.
 */
const DEVIATION = Math.sqrt((CALLERS * (1 / 3)) / (2 / 3) ** 2);

/** How many requests the pod that hangs gets, of three pods. */
async function lost(t: TestContext, pods: readonly Pod[], ask: Ask, origin: string): Promise<number> {
  const [bad] = pods as [Pod, ...Pod[]];
  const before = bad.requests;
  bad.respond = () => {};
  for (const pod of pods.slice(1))
    pod.respond = (_request, response) => setTimeout(() => response.end('yes'), 2);
  let left = REQUESTS;
  const caller = async () => {
    while (left-- > 0) {
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(), PATIENCE);
      await ask(origin, abort.signal).catch(() => {});
      clearTimeout(timer);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  t.diagnostic(`${origin}: ${bad.requests - before}`);
  return bad.requests - before;
}

/**
 * Beside stock connections, each of which kube-proxy leads to a pod at random.
 *
 * @param first how many more requests the policy sends to the pod before it can know anything
 */
async function compare(
  t: TestContext,
  stock: (t: TestContext) => Ask,
  ours: (t: TestContext, pods: readonly Pod[]) => Ask,
  first = 0,
): Promise<void> {
  const sums = { stock: 0, ours: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    await t.test(`round ${round + 1}`, async (t) => {
      const pods = await startPods(t, 3);
      const { endpoint } = await startVirtualIp(t, pods, Math.random);
      sums.stock += await lost(t, pods, stock(t), `http://${endpoint.address}:${endpoint.port}`);
      sums.ours += await lost(t, pods, ours(t, pods), `http://${HOST}`);
    });
  }
  console.log(`of ${ROUNDS} × ${REQUESTS} requests, ${sums.stock} and ${sums.ours} are given up`);
  const chance = 3 * DEVIATION * Math.sqrt(ROUNDS);
  // A round begins cold: once in three times, the pod that connects first hangs, and gets the first request of each caller.
  // And one or two more are lost to looks whether the pod still hangs, in the seconds that a round lasts.
  assert.ok(
    sums.ours <= sums.stock + chance + (2 + first) * ROUNDS,
    `${sums.ours} of ours, ${sums.stock} of stock`,
  );
}

function stockBy(by: (agent: Agent) => Ask) {
  return (t: TestContext) => {
    const agent = new Agent();
    t.after(() => agent.destroy());
    return by(agent);
  };
}

function stockByHttp(t: TestContext): Ask {
  const agent = new HttpAgent({ keepAlive: true });
  t.after(() => agent.destroy());
  return askByHttp(agent);
}

for (const [how, by] of Object.entries(askBy)) {
  test(`${how}: callers that give up lose no more to a pod that hangs than with undici's Agent`, (t) =>
    compare(t, stockBy(by), (t, pods) => by(startAgent(t, pods))));
}

// All callers get to the pod while each has its turn, or its key. Of stock connections, one in three leads there.
const FIRST = CALLERS * (2 / 3);

test("round-robin: callers that give up lose no more to a pod that hangs than with undici's Agent, but a call each", (t) =>
  compare(
    t,
    stockBy(askBy.request),
    (t, pods) => askBy.request(startAgent(t, pods, BLIND['round-robin'])),
    FIRST,
  ));

test('ring-hash: callers that give up lose no more to a pod that hangs than with an Agent of Node, but a call each', (t) =>
  compare(
    t,
    stockByHttp,
    (t, pods) => askByHttp(startHttpAgent(t, pods, BLIND['ring-hash, without a bound'])),
    FIRST,
  ));

test('node:http: callers that give up lose no more to a pod that hangs than with an Agent of Node', (t) =>
  compare(t, stockByHttp, (t, pods) => askByHttp(startHttpAgent(t, pods))));
