// HTTP/2 connections that may carry little, be it for their age or for their number of requests.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Agent } from 'undici';
import type { EndpointAddress } from '../../../src/core/discovery/resolver.ts';
import { get, startAgent } from '../../support/agent.ts';
import { answer, h2c, startH2Pod } from '../../support/h2-pod.ts';
import { nextAddress } from '../../support/pods.ts';

interface FarPod {
  readonly endpoint: EndpointAddress;
  connections: number;
}

/** A pod of HTTP/2 whose every word takes so many milliseconds, its SETTINGS among them. */
async function startFarPod(t: TestContext, latency: number): Promise<FarPod> {
  const { endpoint } = await startH2Pod(t, answer);
  const proxy = createServer((client) => {
    pod.connections++;
    const upstream = connect(endpoint.port, endpoint.address);
    for (const socket of [client, upstream]) socket.on('error', () => {});
    t.after(() => client.destroy());
    client.pipe(upstream);
    upstream.on('data', (chunk: Buffer) => {
      setTimeout(() => client.write(chunk), latency);
    });
  });
  proxy.listen(0, nextAddress());
  await once(proxy, 'listening');
  t.after(() => proxy.close());
  const { address, port } = proxy.address() as AddressInfo;
  const pod: FarPod = { endpoint: { address, port }, connections: 0 };
  return pod;
}

/** How many of so many requests at once are served, by stock and by ours. */
async function served(t: TestContext, pod: FarPod, count: number, options: object): Promise<number[]> {
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
  pod.connections = 0;
  return [theirs, await all(() => get(ours))];
}

test('connections that are too old as they are greeted serve all that wait, one after the other', async (t) => {
  const pod = await startFarPod(t, 40);
  const options = { maxConnectionDuration: 20, endpointTimeout: 500 };
  assert.deepEqual(await served(t, pod, 30, options), [30, 30]);
});
