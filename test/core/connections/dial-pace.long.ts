import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Agent, type Dispatcher } from 'undici';
import { ORIGIN, startAgent } from '../../support/agent.ts';
import { startPods } from '../../support/pods.ts';
import { answerAfter, assertConnections, burst } from './bursts.ts';

test('a burst of 1,000 short requests makes a fifth of the connections when all are in use', async (t) => {
  await assertConnections(t, 300, 5, async (pods) => {
    const agent = startAgent(t, pods);
    await burst(agent, 10);
    await burst(agent, 1_000);
  });
});

test('in a process that is busy with something else, no request is failed for dials that are yet to begin', async (t) => {
  const [pod] = await startPods(t, 1);
  answerAfter([pod!], 300);
  const stock = new Agent();
  t.after(() => stock.destroy());
  const ours = startAgent(t, [pod!], { endpointTimeout: 500 });
  let busy = true;
  const compute = () => {
    const until = performance.now() + 60;
    while (performance.now() < until);
    if (busy) setTimeout(compute);
  };
  compute();
  t.after(() => {
    busy = false;
  });
  const { address, port } = pod!.endpoint;
  const clients: [Dispatcher, string][] = [
    [stock, `http://${address}:${port}`],
    [ours, ORIGIN],
  ];
  for (const [client, origin] of clients) {
    const send = async () => {
      const { statusCode, body } = await client.request({ origin, path: '/', method: 'GET' });
      await body.dump();
      return statusCode;
    };
    const statuses = await Promise.all(Array.from({ length: 100 }, send));
    assert.ok(statuses.every((status) => status === 200));
  }
});
