// HTTP/2 connections that may carry little, be it for their age or for their number of requests.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Agent } from 'undici';
import { get, startAgent } from '../../support/agent.ts';
import { answer, h2c, startH2Pod } from '../../support/h2-pod.ts';
import { type RawServer, startRelay } from '../../support/raw-server.ts';

/** A pod of HTTP/2 whose every word takes so many milliseconds, its SETTINGS among them. */
async function startFarPod(t: TestContext, latency: number): Promise<RawServer> {
  const { endpoint } = await startH2Pod(t, answer);
  return startRelay(t, endpoint, (upstream, client) => {
    upstream.on('data', (chunk: Buffer) => {
      setTimeout(() => client.write(chunk), latency);
    });
  });
}

/** How many of so many requests at once are served, by stock and by ours. */
async function served(t: TestContext, pod: RawServer, count: number, options: object): Promise<number[]> {
  const { address, port } = pod.endpoint;
  const stock = new Agent({ connect: { useH2c: true } } as Agent.Options);
  t.after(() => stock.destroy());
  const ours = startAgent(t, [pod], { ...h2c, ...options });
  const all = async (one: () => Promise<unknown>) => {
    const ends = await Promise.allSettled(Array.from({ length: count }, one));
    return ends.filter(({ status }) => status === 'fulfilled').length;
  };
  const theirs = await all(async () => {
    const { body } = await stock.request({ origin: `http://${address}:${port}`, path: '/', method: 'GET' });
    await body.dump();
  });
  return [theirs, await all(() => get(ours))];
}

test('connections that are too old as they are greeted serve all that wait, one after the other', async (t) => {
  const pod = await startFarPod(t, 40);
  const options = { maxConnectionDuration: 20, endpointTimeout: 500 };
  assert.deepEqual(await served(t, pod, 30, options), [30, 30]);
});
