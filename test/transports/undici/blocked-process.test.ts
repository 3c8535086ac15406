import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Agent, type Dispatcher } from 'undici';
import { staticResolver } from '../../../src/core/discovery/static.ts';
import { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { ORIGIN } from '../../support/agent.ts';
import type { HastyPodData } from '../../support/hasty-pod.ts';

/** Milliseconds. */
const IDLE_TIMEOUT = 30;
const PATIENCE = 10_000;
const CONNECTIONS = 5;

test('connections that were closed while the process was busy carry no POST', async (t) => {
  // A pod that closes them by itself may do so right before a POST, when this process was not busy: no client can know.
  const { agent, block } = await startClient(t, 'balanced', 0);
  await postAll(agent);
  for (let round = 0; round < 10; round++) {
    // The last response is being read: nothing else is before what comes next has been written.
    await postAll(agent);
    block();
    assert.deepEqual(await postAll(agent), Array(CONNECTIONS).fill(200), `round ${round}`);
  }
});

for (const client of ['stock', 'balanced'] as const) {
  test(`nor do they carry a POST that waited for one of them (${client})`, async (t) => {
    const { agent, block, connections, waitForMore, origin } = await startClient(t, client, 200);
    for (let round = 0; round < 3; round++) {
      const before = connections();
      const written = new Promise((resolve) => {
        const onWritten = () => {
          unsubscribe('undici:client:sendHeaders', onWritten);
          resolve(undefined);
        };
        subscribe('undici:client:sendHeaders', onWritten);
      });
      // More than there are dials for at first.
      const posts = postAll(agent, 40, origin);
      await written;
      await setImmediate();
      waitForMore(before);
      block();
      assert.deepEqual(await posts, Array(40).fill(200), `round ${round}`);
      block();
    }
  });
}

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

interface Started {
  readonly agent: Dispatcher;
  readonly origin: string;
  /** Keeps this thread busy until the pod has closed all connections. */
  readonly block: () => void;
  /** How many the pod has ever had a request on. */
  readonly connections: () => number;
  /** Keeps this thread busy until it has had one on more than that. */
  readonly waitForMore: (before: number) => void;
}

async function startClient(
  t: TestContext,
  client: 'stock' | 'balanced' = 'balanced',
  idleTimeout = IDLE_TIMEOUT,
): Promise<Started> {
  const open = new Int32Array(new SharedArrayBuffer(8));
  const workerData: HastyPodData = { idleTimeout, open };
  const pod = new Worker(new URL('../../support/hasty-pod.ts', import.meta.url), { workerData });
  const [port] = (await once(pod, 'message')) as [number];
  const agent =
    client === 'stock'
      ? new Agent()
      : new BalancedAgent({ discovery: staticResolver([{ address: '127.0.0.1', port }]) });
  t.after(async () => {
    await agent.destroy();
    await pod.terminate();
  });
  const block = () => {
    if (idleTimeout === 0) pod.postMessage(IDLE_TIMEOUT);
    for (let left = Atomics.load(open, 0); left > 0; left = Atomics.load(open, 0)) {
      if (Atomics.wait(open, 0, left, PATIENCE) === 'timed-out') throw new Error(`${left} stay open`);
    }
  };
  const connections = () => Atomics.load(open, 1);
  const waitForMore = (before: number) => {
    if (Atomics.wait(open, 1, before, PATIENCE) === 'timed-out') throw new Error('no request has come');
  };
  const origin = client === 'stock' ? `http://127.0.0.1:${port}` : ORIGIN;
  return { agent, block, connections, waitForMore, origin };
}

function postAll(
  agent: Dispatcher,
  count = CONNECTIONS,
  origin = ORIGIN,
): Promise<(number | string | undefined)[]> {
  const posts = Array.from({ length: count }, () => post(agent, undefined, origin));
  return Promise.all(posts.map((sent) => sent.catch((error: NodeJS.ErrnoException) => error.code)));
}

async function post(agent: Dispatcher, signal?: AbortSignal, origin = ORIGIN): Promise<number> {
  const { statusCode, body } = await agent.request({
    origin,
    path: '/',
    method: 'POST',
    body: 'tea',
    ...(signal && { signal }),
  });
  await body.dump();
  return statusCode;
}
