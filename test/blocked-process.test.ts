import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { BalancedAgent } from '../src/agent.ts';
import { staticResolver } from '../src/discovery/static.ts';
import { ORIGIN } from './support/agent.ts';

/** Milliseconds. */
const IDLE_TIMEOUT = 30;
const BLOCKED = 150;
const CONNECTIONS = 5;

test('connections that were closed while the process was busy carry no POST', async (t) => {
  const agent = await startClient(t);
  await postAll(agent);
  for (let round = 0; round < 10; round++) {
    // The last response is being read: nothing else is before what comes next has been written.
    await postAll(agent);
    block(BLOCKED);
    assert.deepEqual(await postAll(agent), Array(CONNECTIONS).fill(200), `round ${round}`);
  }
});

test('what is sent after the process was busy can be aborted, and ends with the agent', async (t) => {
  const agent = await startClient(t);
  await postAll(agent);
  block(BLOCKED);
  const abort = new AbortController();
  const aborted = assert.rejects(post(agent, abort.signal), { name: 'AbortError' });
  abort.abort();
  await aborted;
  await postAll(agent);
  block(BLOCKED);
  const destroyed = assert.rejects(post(agent), { message: 'enough' });
  await agent.destroy(new Error('enough'));
  await destroyed;
});

test('a body that fails before it is sent after the process was busy fails its request', async (t) => {
  const agent = await startClient(t);
  await postAll(agent);
  block(BLOCKED);
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

async function startClient(t: TestContext): Promise<BalancedAgent> {
  const pod = new Worker(new URL('./support/hasty-pod.ts', import.meta.url), { workerData: IDLE_TIMEOUT });
  const [port] = (await once(pod, 'message')) as [number];
  const agent = new BalancedAgent({ discovery: staticResolver([{ address: '127.0.0.1', port }]) });
  t.after(async () => {
    await agent.destroy();
    await pod.terminate();
  });
  return agent;
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

function block(duration: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, duration);
}
