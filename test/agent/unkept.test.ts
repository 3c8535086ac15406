// Servers that end each connection after its response, and have not said so.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ORIGIN, startAgent } from '../support/agent.ts';
import { ask, startHttpAgent } from '../support/http-agent.ts';
import type { Addressed } from '../support/manual-resolver.ts';
import { nextAddress } from '../support/pods.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const BURST = 40;

async function startServer(t: TestContext) {
  const server = createServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.end(ANSWER));
  }).listen(0, nextAddress());
  await once(server, 'listening');
  t.after(() => server.close());
  const { address, port } = server.address() as { address: string; port: number };
  return { endpoint: { address, port } };
}

const WAYS: Record<string, (t: TestContext, server: Addressed) => () => Promise<unknown>> = {
  undici: (t, server) => {
    const agent = startAgent(t, [server]);
    return async () => {
      const { body } = await agent.request({ origin: ORIGIN, path: '/', method: 'POST', body: 'x' });
      return body.text();
    };
  },
  'node:http': (t, server) => {
    const agent = startHttpAgent(t, [server]);
    return async () => (await ask(agent, { method: 'POST', body: 'x' })).body;
  },
};

for (const [way, start] of Object.entries(WAYS)) {
  test(`a burst of POSTs loses none of them to connections that end with their response, by ${way}`, async (t) => {
    const post = start(t, await startServer(t));
    const answers = await Promise.all(Array.from({ length: BURST }, post));
    assert.deepEqual(
      answers,
      Array.from({ length: BURST }, () => 'ok'),
    );
  });
}
