import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { staticResolver } from '../../../src/core/discovery/static.ts';
import { BalancedHttpAgent } from '../../../src/http.ts';
import type { HastyPodData } from '../../support/hasty-pod.ts';
import { ask } from '../../support/http-agent.ts';

/** Milliseconds. */
const BUSY = 150;
const PATIENCE = 10_000;
const CONNECTIONS = 5;

for (const [where, goOn] of [
  ['where the last response was read', () => Promise.resolve()],
  ['from a timer', () => new Promise<void>((resolve) => setTimeout(resolve, 1))],
] as const) {
  test(`connections that were closed while the process was busy carry no POST, sent ${where}`, async (t) => {
    const { agent, block } = await startClient(t);
    await postAll(agent);
    for (let round = 0; round < 2; round++) {
      await postAll(agent);
      const goingOn = goOn();
      block();
      await goingOn;
      assert.deepEqual(await postAll(agent), Array(CONNECTIONS).fill(200), `round ${round}`);
    }
  });
}

test('a POST that is about to be sent can be ended', async (t) => {
  const { agent, block } = await startClient(t);
  await postAll(agent);
  block();
  const controller = new AbortController();
  const aborted = assert.rejects(post(agent, controller.signal), { name: 'AbortError' });
  controller.abort();
  await aborted;
  assert.deepEqual(await postAll(agent), Array(CONNECTIONS).fill(200));
});

interface Started {
  readonly agent: BalancedHttpAgent;
  /** Has the pod close all connections, and keeps this thread busy until it has. */
  readonly block: () => void;
}

async function startClient(t: TestContext): Promise<Started> {
  const open = new Int32Array(new SharedArrayBuffer(8));
  const workerData: HastyPodData = { idleTimeout: 0, open };
  const pod = new Worker(new URL('../../support/hasty-pod.ts', import.meta.url), { workerData });
  const [port] = (await once(pod, 'message')) as [number];
  const agent = new BalancedHttpAgent({ discovery: staticResolver([{ address: '127.0.0.1', port }]) });
  t.after(async () => {
    agent.destroy();
    await pod.terminate();
  });
  const block = () => {
    // Not as they idle: that may be while all of this process stands still, just before a request.
    pod.postMessage(BUSY);
    wait(open);
  };
  return { agent, block };
}

function wait(open: Int32Array): void {
  for (let left = Atomics.load(open, 0); left > 0; left = Atomics.load(open, 0)) {
    if (Atomics.wait(open, 0, left, PATIENCE) === 'timed-out')
      throw new Error(`${left} connections are open`);
  }
}

async function post(agent: BalancedHttpAgent, signal?: AbortSignal): Promise<number | undefined> {
  const { status } = await ask(agent, { method: 'POST', body: 'text', ...(signal && { signal }) });
  return status;
}

function postAll(agent: BalancedHttpAgent): Promise<(number | undefined)[]> {
  return Promise.all(Array.from({ length: CONNECTIONS }, () => post(agent)));
}
