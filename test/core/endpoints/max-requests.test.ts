import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Agent, type Dispatcher } from 'undici';
import { ORIGIN, startAgent } from '../../support/agent.ts';
import { startPods } from '../../support/pods.ts';

test('an endpoint never has more requests in flight than it may, and the others wait', async (t) => {
  const pods = await startPods(t, 2);
  const agent = startAgent(t, pods, { maxRequestsPerEndpoint: 3 });
  const most = pods.map(() => 0);
  for (const [index, pod] of pods.entries()) {
    let now = 0;
    pod.respond = (_request, response) => {
      most[index] = Math.max(most[index]!, ++now);
      setTimeout(() => {
        now--;
        response.end();
      }, 2);
    };
  }
  const send = async () => {
    const { body } = await agent.request({ origin: ORIGIN, path: '/', method: 'GET' });
    await body.dump();
  };
  await Promise.all(Array.from({ length: 200 }, send));
  assert.deepEqual(most, [3, 3]);
  assert.equal(agent.stats[ORIGIN]!.connected, 6);
});

test('dispatch says when to wait, and drain when to go on', async (t) => {
  const [pod] = await startPods(t, 1);
  const agent = startAgent(t, [pod!], { maxRequestsPerEndpoint: 1 });
  const slow = agent.request({ origin: ORIGIN, path: '/slow', method: 'GET' });
  await pod!.received('/slow');
  const ended = Promise.withResolvers<void>();
  const more = agent.dispatch(
    { origin: ORIGIN, path: '/', method: 'GET' },
    {
      onRequestStart() {},
      onResponseStart() {},
      onResponseData() {},
      onResponseEnd: () => ended.resolve(),
      onResponseError: (_controller, error) => ended.reject(error),
    },
  );
  assert.equal(more, false);
  assert.equal(agent.stats[ORIGIN]!.queued, 1);
  const drained = once(agent, 'drain');
  pod!.release('/slow');
  await (await slow).body.dump();
  await Promise.all([drained, ended.promise]);
});

test('more than may wait are refused', async (t) => {
  const [pod] = await startPods(t, 1);
  const agent = startAgent(t, [pod!], { maxRequestsPerEndpoint: 1, maxPendingRequests: 1 });
  const send = () => agent.request({ origin: ORIGIN, path: '/slow', method: 'GET' });
  const first = send();
  await pod!.received('/slow');
  const second = send();
  await assert.rejects(send(), { code: 'EVENKEEL_QUEUE_FULL' });
  pod!.release('/slow');
  await (await first).body.dump();
  while (pod!.paths.length < 2) await once(pod!, 'request');
  pod!.release('/slow');
  await (await second).body.dump();
});

test('those that wait are served though the connection is lost that carries all that the endpoint may have', async (t) => {
  const [pod] = await startPods(t, 1);
  const stock = new Agent({ connections: 1 });
  t.after(() => stock.destroy());
  const ours = startAgent(t, [pod!], { maxRequestsPerEndpoint: 1 });
  const clients: [Dispatcher, string][] = [
    [stock, `http://${pod!.endpoint.address}:${pod!.endpoint.port}`],
    [ours, ORIGIN],
  ];
  for (const [client, origin] of clients) {
    const send = async () => {
      const { statusCode, body } = await client.request({ origin, path: '/', method: 'GET' });
      await body.dump();
      return statusCode;
    };
    await send();
    await new Promise((resolve) => setTimeout(resolve, 20));
    // The pod closes its connection in the moment in which it is given a request.
    for (const socket of pod!.sockets) socket.end();
    assert.deepEqual(await Promise.all([send(), send(), send()]), [200, 200, 200]);
  }
});
