import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, type TestContext, test } from 'node:test';
import { Agent } from 'undici';
import type { BalancedAgentOptions } from '../../../src/config/options.ts';
import type { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { get, load, ORIGIN, startAgent } from '../../support/agent.ts';
import { type FrozenPod, startFrozenPod } from '../../support/frozen-pod.ts';
import { type Pod, startPod } from '../../support/pods.ts';
import { startStopwatch } from '../../support/stopwatch.ts';

const CONNECT_TIMEOUT = 500;

/** An agent that is connected to all of the pods. */
async function startConnected(
  t: TestContext,
  pods: readonly (Pod | FrozenPod)[],
  options: BalancedAgentOptions = {},
): Promise<BalancedAgent> {
  const agent = startAgent(t, pods, { connectTimeout: CONNECT_TIMEOUT, ...options });
  while (endpoints(agent).filter(({ connections }) => connections > 0).length < pods.length) {
    await load(agent, 20, 4);
  }
  return agent;
}

function endpoints(agent: BalancedAgent) {
  return agent.stats[ORIGIN]?.endpoints ?? [];
}

function originOf({ address, endpoint }: FrozenPod): string {
  return `http://${address}:${endpoint.port}`;
}

function statsOf(agent: BalancedAgent, { address }: FrozenPod) {
  return endpoints(agent).find((endpoint) => endpoint.address.startsWith(`${address}:`))!;
}

/** Sends requests until one is stuck on that pod; says what becomes of that one. */
async function stick(agent: BalancedAgent, pod: FrozenPod, method: string, path = '/never') {
  for (;;) {
    const { inFlight } = statsOf(agent, pod);
    const request = agent.request({ origin: ORIGIN, path, method }).then(({ body }) => body.text());
    if (statsOf(agent, pod).inFlight > inFlight) return request;
    await request;
  }
}

test('a request on a pod that has vanished ends with a clear error', async (t) => {
  const pod = await startFrozenPod(t);
  const agent = await startConnected(t, [pod], { retry: false });
  await pod.vanish();
  const watch = startStopwatch();
  await assert.rejects(stick(agent, pod, 'GET'), {
    code: 'EVENKEEL_UNRESPONSIVE',
    message: new RegExp(
      `^nothing came from ${pod.address}:\\d+ for \\d+ ms, nor did it answer another dial$`,
    ),
  });
  // A silence of a second, a dial of half a second, and the steps in which time is counted.
  assert.ok(watch() < 4_000);
  assert.equal(statsOf(agent, pod).connections, 0);
});

describe('a pod that falls silent', { concurrency: 4 }, () => {
  for (const [method, fate] of Object.entries({ GET: 'goes to another pod', POST: 'fails' })) {
    test(`a ${method} that a vanished pod has not answered ${fate}`, async (t) => {
      const [vanishing, pod] = await Promise.all([startFrozenPod(t), startPod(t)]);
      const agent = await startConnected(t, [vanishing, pod]);
      await vanishing.vanish();
      const request = stick(agent, vanishing, method);
      if (method === 'GET') assert.equal(await request, pod.address);
      else await assert.rejects(request, { code: 'EVENKEEL_UNRESPONSIVE' });
    });
  }

  test('a vanished pod gets no requests, and is used again when it is back', async (t) => {
    const [vanishing, pod] = await Promise.all([startFrozenPod(t), startPod(t)]);
    const agent = await startConnected(t, [vanishing, pod], { policy: 'round-robin' });
    await vanishing.vanish();
    await stick(agent, vanishing, 'GET');
    const { requests } = statsOf(agent, vanishing);
    await load(agent, 200, 4);
    assert.equal(statsOf(agent, vanishing).requests, requests);
    vanishing.restore();
    while (statsOf(agent, vanishing).requests === requests) {
      await load(agent, 20, 2);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });

  test('a request takes as long as it takes, on a pod that answers dials', async (t) => {
    const pod = await startPod(t);
    const agent = startAgent(t, [pod], { connectTimeout: CONNECT_TIMEOUT });
    const slow = agent.request({ origin: ORIGIN, path: '/slow', method: 'GET' });
    await pod.received('/slow');
    for (let probes = 0; probes < 2; probes++) await once(pod, 'connection');
    assert.equal(agent.stats[ORIGIN]!.endpoints[0]!.connections, 1);
    // Others are served meanwhile.
    assert.equal(await get(agent), pod.address);
    pod.release('/slow');
    assert.equal(await (await slow).body.text(), pod.address);
  });

  /** So long that a dial, and the questions to the kernel after it, go unanswered. */
  const BUSY = 3_500;

  for (const method of ['GET', 'POST']) {
    test(`a ${method} waits for a pod that is too busy to take connections, as with undici`, async (t) => {
      const [pod, other] = await Promise.all([startFrozenPod(t), startPod(t)]);
      const agent = await startConnected(t, [pod, other]);
      const stock = new Agent();
      t.after(() => stock.destroy());
      await stock.request({ origin: originOf(pod), path: '/', method }).then(({ body }) => body.dump());
      await pod.crowd();
      const theirs = stock.request({ origin: originOf(pod), path: '/', method });
      const ours = stick(agent, pod, method, '/');
      await new Promise((resolve) => setTimeout(resolve, BUSY));
      const { requests } = statsOf(agent, pod);
      // Others are served by the pod that has less to do.
      await load(agent, 20, 2);
      assert.equal(statsOf(agent, pod).requests, requests);
      pod.restore();
      assert.equal(await (await theirs).body.text(), pod.address);
      assert.equal(await ours, pod.address);
      assert.deepEqual(statsOf(agent, pod).failures, 0);
    });
  }

  test('where all pods are too busy to take connections, idle ones are used, as with undici', async (t) => {
    const pod = await startFrozenPod(t);
    const agent = await startConnected(t, [pod], { endpointTimeout: '1s' });
    while (statsOf(agent, pod).connections < 2) await Promise.all([get(agent), get(agent), get(agent)]);
    const { opened } = statsOf(agent, pod);
    await pod.crowd();
    const first = get(agent);
    await new Promise((resolve) => setTimeout(resolve, BUSY / 2));
    const second = get(agent);
    await new Promise((resolve) => setTimeout(resolve, BUSY / 2));
    pod.restore();
    assert.deepEqual(await Promise.all([first, second]), [pod.address, pod.address]);
    assert.equal(statsOf(agent, pod).opened, opened);
  });

  test('a process that hangs, and accepts connections, is not cut off', async (t) => {
    const pod = await startFrozenPod(t);
    const agent = await startConnected(t, [pod]);
    await pod.hang();
    const request = stick(agent, pod, 'POST', '/');
    await new Promise((resolve) => setTimeout(resolve, 1_500 + CONNECT_TIMEOUT));
    pod.restore();
    assert.equal(await request, pod.address);
  });
});

test('a process that is held up itself takes no pod to be gone', async (t) => {
  const pod = await startFrozenPod(t);
  const agent = await startConnected(t, [pod], { connectTimeout: 100 });
  const request = stick(agent, pod, 'POST', '/slow');
  await new Promise((resolve) => setTimeout(resolve, 300));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_000);
  assert.equal(await request, pod.address);
});

test('a pod that accepts and never answers holds few requests, and few connections', async (t) => {
  const [hanging, ...pods] = await Promise.all([startFrozenPod(t), startPod(t), startPod(t), startPod(t)]);
  for (const pod of pods) pod.respond = (_request, response) => setTimeout(() => response.end(), 2);
  const agent = await startConnected(t, [hanging, ...pods]);
  await hanging.hang();
  const controller = new AbortController();
  let served = 0;
  let stuck = 0;
  const send = async () => {
    stuck++;
    const { signal } = controller;
    const { body } = await agent.request({ origin: ORIGIN, path: '/', method: 'GET', signal });
    await body.dump();
    stuck--;
    served++;
  };
  // Eight at a time of those that can be served.
  const all: Promise<void>[] = [];
  while (served < 2_000) {
    if (stuck < 8 + statsOf(agent, hanging).inFlight) all.push(send().catch(() => {}));
    else await new Promise(setImmediate);
  }
  const { inFlight, connections } = statsOf(agent, hanging);
  controller.abort();
  await Promise.all(all);
  // The others have two or three each.
  assert.ok(inFlight <= 4, `${inFlight} requests`);
  assert.ok(connections <= 5, `${connections} connections`);
});
