// Servers that end each connection after its response, and have not said so.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ORIGIN, startAgent } from '../support/agent.ts';
import { ask, startHttpAgent } from '../support/http-agent.ts';
import type { Addressed } from '../support/manual-resolver.ts';
import { startRawServer } from '../support/raw-server.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const BURST = 40;

function startServer(t: TestContext) {
  return startRawServer(t, (socket) => void socket.once('data', () => socket.end(ANSWER)));
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
