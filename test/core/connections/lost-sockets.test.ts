import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { get, ORIGIN, startAgent } from '../../support/agent.ts';
import { h2c, startH2Pod } from '../../support/h2-pod.ts';
import { startRelay } from '../../support/raw-server.ts';

interface Reader {
  _handle: { readStop(): void };
}

test('a reset that Node does not notice ends what HTTP/2 carries, and not only that', {
  skip: process.platform !== 'linux' && 'nobody else tells which connections there are',
}, async (t) => {
  const pod = await startH2Pod(t, (stream, headers) => {
    if (headers[':path'] === '/held') return;
    stream.respond({ ':status': 200 });
    stream.end('ok');
  });
  const relay = await startRelay(t, pod.endpoint);
  const sockets: Socket[] = [];
  const note = (message: unknown) => {
    const { socket } = message as { socket: Socket };
    if (socket.remotePort === relay.endpoint.port) sockets.push(socket);
  };
  subscribe('undici:client:connected', note);
  t.after(() => unsubscribe('undici:client:connected', note));

  const agent = startAgent(t, [relay], h2c);
  await get(agent);
  const held = agent.request({ origin: ORIGIN, path: '/held', method: 'POST', body: 'x' });
  while (pod.streams < 2) await new Promise(setImmediate);
  // As a session over TLS is left by a write that failed: it reads no more.
  (sockets[0] as unknown as Reader)._handle.readStop();
  relay.sockets[0]!.resetAndDestroy();
  await assert.rejects(held, { code: 'UND_ERR_SOCKET', message: 'other side closed' });
  assert.equal(await get(agent), 'ok');
  assert.equal(sockets.length, 2);
});

test('a connection of HTTP/2 that says nothing for long lives for as long as the kernel has it', async (t) => {
  let answer: (() => void) | undefined;
  const pod = await startH2Pod(t, (stream) => {
    answer = () => {
      stream.respond({ ':status': 200 });
      stream.end('at last');
    };
  });
  const agent = startAgent(t, [pod], h2c);
  const request = get(agent);
  // Two questions come after one second, and after two.
  await new Promise((resolve) => setTimeout(resolve, 2_600));
  answer!();
  assert.equal(await request, 'at last');
  assert.equal(pod.streams, 1);
});
