import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { EndpointAddress } from '../../../src/core/discovery/resolver.ts';
import { get, ORIGIN, startAgent } from '../../support/agent.ts';
import { answer, h2c, startH2Pod } from '../../support/h2-pod.ts';
import { nextAddress } from '../../support/pods.ts';

/** So that a PING is unanswered after a second and two tenths at the earliest. */
const hasty = { h2Options: { useH2c: true, pingInterval: 100 }, retry: false } as const;

/** A pod in a thread of its own, so that it goes on while this process is held up. */
async function startThread(t: TestContext): Promise<{ endpoint: EndpointAddress }> {
  const address = nextAddress();
  const thread = new Worker(new URL('../../support/h2-pod-thread.ts', import.meta.url), {
    workerData: { address },
  });
  t.after(() => thread.terminate());
  const [port] = (await once(thread, 'message')) as [number];
  return { endpoint: { address, port } };
}

function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

for (const [when, pause] of Object.entries({ 'before a PING is due': 150, 'while a PING is out': 400 })) {
  test(`a process that is held up ${when} takes no peer to be dead`, async (t) => {
    const agent = startAgent(t, [await startThread(t)], hasty);
    await get(agent, '/0');
    const slow = get(agent, '/3500');
    await delay(pause);
    block(1_500);
    await delay(100);
    block(1_500);
    assert.equal(await slow, 'ok');
  });
}

test('after a GOAWAY, what was accepted takes as long as it takes: nobody answers PINGs any more', async (t) => {
  const held: ServerHttp2Stream[] = [];
  const pod = await startH2Pod(t, (stream) => {
    held.push(stream);
    stream.session!.goaway(constants.NGHTTP2_NO_ERROR, 2 ** 31 - 1);
  });
  const agent = startAgent(t, [pod], hasty);
  const slow = get(agent);
  await delay(2_500);
  answer(held[0]!, {}, 0);
  assert.equal(await slow, 'ok');
});

test('a tunnel that waits for the SETTINGS of a mute peer is dialled again', async (t) => {
  const sockets: Socket[] = [];
  const mute = createServer((socket) => sockets.push(socket.on('error', () => {}).resume()));
  mute.listen(0, nextAddress());
  await once(mute, 'listening');
  t.after(() => mute.close());
  const { address, port } = mute.address() as AddressInfo;
  const agent = startAgent(t, [{ endpoint: { address, port } }], { ...h2c, connectTimeout: 100 });
  const controller = new AbortController();
  const { signal } = controller;
  const opened = agent.connect({ origin: ORIGIN, path: '/', signal });
  while (sockets.length < 2) await once(mute, 'connection');
  controller.abort();
  await assert.rejects(opened);
});
