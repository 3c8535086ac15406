import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { buildConnector, Client } from 'undici';
import { sessionOf } from '../../src/connection/http2-session.ts';
import { startH2Pod } from '../support/h2-pod.ts';

test("undici's session is found on its socket when the Client has connected, before it opens a stream", async (t) => {
  const pod = await startH2Pod(t);
  const { address, port } = pod.endpoint;
  const dial = buildConnector({ useH2c: true } as buildConnector.BuildOptions);
  let socket: Socket | null = null;
  const client = new Client(`http://${address}:${port}`, {
    connect: (options, callback) =>
      dial(options, (...result) => {
        [, socket] = result;
        callback(...result);
      }),
  });
  t.after(() => client.destroy());
  const response = client.request({ path: '/', method: 'GET' });
  await once(client, 'connect');
  const session = sessionOf(socket!);
  assert.equal(typeof session?.request, 'function');
  assert.equal(typeof session?.ping, 'function');
  await (await response).body.dump();
  assert.equal(pod.streams, 1);
});
