import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { staticResolver } from '../../../src/core/discovery/static.ts';
import { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { ORIGIN } from '../../support/agent.ts';
import type { HastyPodData } from '../../support/hasty-pod.ts';

/** Milliseconds. */
const IDLE_TIMEOUT = 30;
const PATIENCE = 10_000;
const CONNECTIONS = 5;

test('connections that were closed while the process was busy carry no POST', async (t) => {
  const { agent, block } = await startClient(t);
  await postAll(agent);
  for (let round = 0; round < 10; round++) {
    // The last response is being read: nothing else is before what comes next has been written.
    await postAll(agent);
    block();
    assert.deepEqual(await postAll(agent), Array(CONNECTIONS).fill(200), `round ${round}`);
  }
});

test('what is sent after the process was busy can be aborted, and ends with the agent', async (t) => {
  const { agent, block } = await startClient(t);
  await postAll(agent);
  block();
  const abort = new AbortController();
  const aborted = assert.rejects(post(agent, abort.signal), { name: 'AbortError' });
  abort.abort();
  await aborted;
  await postAll(agent);
  block();
  const destroyed = assert.rejects(post(agent), { message: 'enough' });
  await agent.destroy(new Error('enough'));
  await destroyed;
});

test('a body that fails before it is sent after the process was busy fails its request', async (t) => {
  const { agent, block } = await startClient(t);
  await postAll(agent);
  block();
  const body = new Readable({ read() {} });
  const failed = new Promise<Error>((resolve) => {
    agent.dispatch(
      { origin: ORIGIN, path: '/', method: 'POST', body },
      {
        onRequestStart() {},
        onResponseStart() {},
        onResponseData() {},
        onResponseEnd: () => resolve(new Error('served')),
        onResponseError: (_controller, error) => resolve(error),
      },
    );
  });
  body.destroy(new Error('disk gone'));
  assert.equal((await failed).message, 'disk gone');
});

/** `block` keeps this thread busy until the pod has closed all connections. */
async function startClient(t: TestContext): Promise<{ agent: BalancedAgent; block: () => void }> {
  const open = new Int32Array(new SharedArrayBuffer(4));
  const workerData: HastyPodData = { idleTimeout: IDLE_TIMEOUT, open };
  const pod = new Worker(new URL('../../support/hasty-pod.ts', import.meta.url), { workerData });
  const [port] = (await once(pod, 'message')) as [number];
  const agent = new BalancedAgent({ discovery: staticResolver([{ address: '127.0.0.1', port }]) });
  t.after(async () => {
    await agent.destroy();
    await pod.terminate();
  });
  const block = () => {
    for (let left = Atomics.load(open, 0); left > 0; left = Atomics.load(open, 0)) {
      if (Atomics.wait(open, 0, left, PATIENCE) === 'timed-out') throw new Error(`${left} stay open`);
    }
  };
  return { agent, block };
}

function postAll(agent: BalancedAgent): Promise<(number | string | undefined)[]> {
  const posts = Array.from({ length: CONNECTIONS }, () => post(agent));
  return Promise.all(posts.map((sent) => sent.catch((error: NodeJS.ErrnoException) => error.code)));
}

async function post(agent: BalancedAgent, signal?: AbortSignal): Promise<number> {
  const { statusCode, body } = await agent.request({
    origin: ORIGIN,
    path: '/',
    method: 'POST',
    body: 'tea',
    ...(signal && { signal }),
  });
  await body.dump();
  return statusCode;
}
