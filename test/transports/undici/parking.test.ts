import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Parking } from '../../../src/transports/undici/parking.ts';
import { nextAddress } from '../../support/pods.ts';

const KIB = 1_024;

/** Two ends of a connection. */
async function startPair(t: TestContext): Promise<{ client: Socket; pod: Socket }> {
  const server = createServer().listen(0, nextAddress());
  await once(server, 'listening');
  const { address, port } = server.address() as AddressInfo;
  const client = connect(port, address);
  const [[pod]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
    [Socket],
    [],
  ];
  t.after(() => {
    server.close();
    client.destroy();
    pod.destroy();
  });
  return { client, pod };
}

test('a pod that pushes without end at a connection that waits loses it within 64 KiB and a chunk', async (t) => {
  const { client, pod } = await startPair(t);
  pod.on('error', () => {});
  const pushed = Buffer.alloc(64 * KIB);
  const push = () => {
    while (pod.write(pushed)) {}
  };
  pod.on('drain', push);
  await new Promise<void>((resolve) => {
    new Parking(client, true, resolve);
    push();
  });
  assert.ok(client.bytesRead > 64 * KIB);
  assert.ok(client.bytesRead <= 128 * KIB, `${client.bytesRead} bytes`);
});

test('what a pod says first, such as its SETTINGS, is there for whoever takes the connection', async (t) => {
  const { client, pod } = await startPair(t);
  const parking = new Parking(client, true, () => assert.fail('it is alive'));
  pod.write(Buffer.alloc(60 * KIB, 'x'));
  while (client.bytesRead < 60 * KIB) await new Promise(setImmediate);
  parking.leave();
  let heard = 0;
  client.on('data', (chunk) => {
    heard += chunk.length;
  });
  pod.end();
  await once(client, 'end');
  assert.equal(heard, 60 * KIB);
});

test('a pod that says anything at all at a connection of HTTP/1.1 that waits loses it', async (t) => {
  const { client, pod } = await startPair(t);
  await new Promise<void>((resolve) => {
    new Parking(client, false, resolve);
    pod.write('HTTP/1.1 408 Request Timeout\r\n\r\n');
  });
});
