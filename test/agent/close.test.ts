import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { Agent, errors, Pool } from 'undici';
import { ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { startPod } from '../support/pods.ts';

test('destroy while close waits for a request lets both end', async (t) => {
  const pod = await startPod(t);
  const agent = startAgent(t, [pod]);
  const request = agent.request({ origin: ORIGIN, path: '/slow', method: 'GET' });
  await pod.received('/slow');
  const closed = agent.close();
  await Promise.all([assert.rejects(request, errors.ClientDestroyedError), agent.destroy(), closed]);
});

test('destroy after close ends what is under way, as with a Pool; a stock Agent has forgotten that by then', async (t) => {
  const pod = await startPod(t);
  const origin = `http://${pod.address}:${pod.port}`;
  const clients = { pool: new Pool(origin), stock: new Agent(), ours: startAgent(t, [pod]) };
  const outcomes: Record<string, string> = {};
  const requests = Object.entries(clients).map(async ([name, client]) => {
    const request = client.request({ origin, path: `/slow/${name}`, method: 'GET' });
    const ended = request.then(
      ({ body }) => body.dump().then(() => 'served'),
      ({ name: error }: Error) => error,
    );
    await pod.received(`/slow/${name}`);
    const closed = client.close();
    await client.destroy();
    pod.release(`/slow/${name}`);
    outcomes[name] = await ended;
    await closed;
  });
  await Promise.all(requests);
  const ended = 'ClientDestroyedError';
  assert.deepEqual(outcomes, { pool: ended, stock: 'served', ours: ended });
});

test('a caller who tries again at once when the agent is destroyed is refused', async (t) => {
  const agent = startAgent(t, [], { discovery: new ManualResolver().resolve });
  const failures: Error[] = [];
  const options = { origin: ORIGIN, path: '/', method: 'GET' } as const;
  const handler = {
    onRequestStart() {},
    onResponseStart() {},
    onResponseData() {},
    onResponseEnd() {},
    onResponseError(_controller: unknown, error: Error) {
      failures.push(error);
      if (failures.length === 1) agent.dispatch(options, handler);
    },
  };
  agent.dispatch(options, handler);
  await agent.destroy();
  assert.deepEqual(
    failures.map(({ name }) => name),
    ['ClientDestroyedError', 'ClientDestroyedError'],
  );
});

test('a subscriber that destroys the agent as it is told of a connection leaves no socket', async (t) => {
  const pod = await startPod(t);
  const agent = startAgent(t, [pod]);
  const destroy = () => void agent.destroy();
  subscribe('evenkeel:connection:open', destroy);
  t.after(() => unsubscribe('evenkeel:connection:open', destroy));
  const connected = once(pod, 'connection') as Promise<[Socket]>;
  const request = agent.request({ origin: ORIGIN, path: '/', method: 'GET' });
  const [[socket]] = await Promise.all([connected, assert.rejects(request, errors.ClientDestroyedError)]);
  await (socket.closed || once(socket, 'close'));
});
