import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Agent, type Dispatcher } from 'undici';
import type { BalancedAgent } from '../../src/transports/undici/agent.ts';
import { get, ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { type Pod, startPod, startPods } from '../support/pods.ts';
import { testAborts } from './abort-storms.ts';

testAborts(1_000);

for (const reason of [0, '', false, null]) {
  test(`an abort with ${JSON.stringify(reason)} ends a request as undici's Agent ends it`, async (t) => {
    const [pod] = (await startPods(t, 1)) as [Pod];
    const stock = new Agent();
    t.after(() => stock.destroy());
    const ours = startAgent(t, [pod]);
    const origin = `http://${pod.address}:${pod.port}`;
    const expected = await abortedInFlight(stock, origin, pod, '/slow/stock', reason);
    const nowhere = startAgent(t, [], { discovery: new ManualResolver().resolve });
    const aborted = [
      await abortedInFlight(ours, origin, pod, '/slow/ours', reason),
      await abortedAtStart(nowhere, reason),
    ];
    for (const error of aborted) assert.deepEqual(error, expected);
  });
}

test('an agent that is destroyed with no error says that it was destroyed', async (t) => {
  const agent = startAgent(t, [], { discovery: new ManualResolver().resolve });
  const waiting = agent.request({ origin: ORIGIN, path: '/', method: 'GET' });
  await Promise.all([
    assert.rejects(waiting, { code: 'UND_ERR_DESTROYED' }),
    agent.destroy(0 as unknown as null),
  ]);
});

async function abortedInFlight(
  agent: Dispatcher,
  origin: string,
  pod: Pod,
  path: string,
  reason: unknown,
): Promise<NodeJS.ErrnoException> {
  const aborter = new AbortController();
  const { signal } = aborter;
  const failed = agent.request({ origin, path, method: 'GET', signal }).then(asUnexpected, (error) => error);
  await pod.received(path);
  aborter.abort(reason);
  return failed;
}

/** Its own handler aborts it, of the older generation for a change. */
function abortedAtStart(agent: BalancedAgent, reason: unknown): Promise<NodeJS.ErrnoException> {
  return new Promise((resolve) => {
    agent.dispatch(
      { origin: ORIGIN, path: '/', method: 'GET' },
      {
        onConnect: (abort) => abort(reason as null),
        onHeaders: () => true,
        onData: () => true,
        onComplete: () => {},
        onError: resolve,
      },
    );
  });
}

function asUnexpected(): never {
  throw new Error('there was a response');
}

for (const what of ['its caller', 'its body', 'destroy()']) {
  test(`a POST that waits until its connection is known to last fails at once when ${what} ends it`, async (t) => {
    const pod = await startPod(t);
    const agent = startAgent(t, [pod], { connections: 1 });
    const first = get(agent, '/slow');
    await pod.received('/slow');
    const controller = new AbortController();
    const body = new PassThrough();
    const error = new Error('mine');
    const post = agent.request({
      origin: ORIGIN,
      path: '/',
      method: 'POST',
      body,
      signal: controller.signal,
    });
    const failure = post.then(asUnexpected, (reason: unknown) => reason);
    pod.release('/slow');
    await first;
    await setImmediate();

    if (what === 'its caller') controller.abort(error);
    else if (what === 'its body') body.destroy(error);
    else void agent.destroy(error);
    const turns = async () => {
      for (let n = 0; n < 3; n++) await setImmediate();
      return 'late';
    };
    assert.equal(await Promise.race([failure, turns()]), error);
    assert.equal(pod.requests, 1);
    if (what !== 'destroy()') assert.equal(await get(agent), pod.address);
  });
}
