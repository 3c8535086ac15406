import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { type Dispatcher, WebSocket } from 'undici';
import type { BalancedAgent } from '../../src/transports/undici/agent.ts';
import { get, load, ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { FakeClock } from '../support/clock.ts';
import { nextAddress, type Pod, startPods } from '../support/pods.ts';

/** Makes pods answer upgrades with an echo, and returns how many sockets each has open. */
function acceptUpgrades(pods: readonly Pod[]): () => number[] {
  const open = pods.map((pod) => {
    const sockets = new Set<Duplex>();
    pod.server.on('upgrade', (_request, socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket)).on('error', () => {});
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
      socket.pipe(socket);
    });
    return sockets;
  });
  return () => open.map(({ size }) => size);
}

async function upgrade(agent: BalancedAgent): Promise<Duplex> {
  const options = { origin: ORIGIN, path: '/', protocol: 'echo' } as Dispatcher.UpgradeOptions;
  return (await (agent.upgrade(options) as Promise<Dispatcher.UpgradeData>)).socket;
}

test('upgraded sockets are spread by their own number, and new pods catch up', async (t) => {
  const pods = await startPods(t, 6);
  const open = acceptUpgrades(pods);
  const resolver = new ManualResolver(pods.slice(0, 3));
  const agent = startAgent(t, [], { discovery: resolver.resolve });
  const first = await Promise.all(Array.from({ length: 150 }, () => upgrade(agent)));
  assert.deepEqual(open(), [50, 50, 50, 0, 0, 0]);
  resolver.set(pods);
  while (agent.stats[ORIGIN]!.endpoints.length < 6) await new Promise(setImmediate);
  const second = await Promise.all(Array.from({ length: 150 }, () => upgrade(agent)));
  for (const count of open()) assert.ok(count >= 49 && count <= 51, String(open()));

  await load(agent, 1_200, 12);
  for (const { requests } of pods)
    assert.ok(Math.abs(requests - 200) < 40, 'ordinary requests spread evenly all the same');
  for (const socket of [...first, ...second]) socket.destroy();
  while (open().some((count) => count > 0)) await new Promise(setImmediate);
});

test('no cap ends an upgraded socket', async (t) => {
  const pods = await startPods(t, 1);
  acceptUpgrades(pods);
  const agent = startAgent(t, pods, {
    maxConnectionDuration: 100,
    maxRequestsPerConnection: 1,
    drainTimeout: 100,
  });
  const socket = await upgrade(agent);
  await new Promise((resolve) => setTimeout(resolve, 400));
  socket.write('still here');
  const [chunk] = await once(socket, 'data');
  assert.equal(String(chunk), 'still here');
  socket.destroy();
});

test('an upgrade goes elsewhere when its pod refuses', async (t) => {
  const pods = await startPods(t, 1);
  acceptUpgrades(pods);
  const refusing = { endpoint: { address: nextAddress(), port: 9 } };
  const agent = startAgent(t, [refusing, refusing, ...pods]);
  for (let n = 0; n < 4; n++) (await upgrade(agent)).destroy();
});

test('an upgrade passes over a pod whose connections are all in use', async (t) => {
  const pods = await startPods(t, 2);
  const open = acceptUpgrades(pods);
  const resolver = new ManualResolver(pods.slice(0, 1));
  const agent = startAgent(t, [], { discovery: resolver.resolve, connections: 1 });
  const slow = get(agent, '/slow');
  await pods[0]!.received('/slow');
  resolver.set(pods);
  // The one with fewer sockets is the one that is full.
  for (let n = 1; n <= 3; n++) {
    await upgrade(agent);
    assert.deepEqual(open(), [0, n]);
  }
  pods[0]!.release('/slow');
  await slow;
  for (let n = 1; n <= 3; n++) {
    await upgrade(agent);
    assert.deepEqual(open(), [n, 3]);
  }
});

test('an upgrade that finds all connections in use waits for one', async (t) => {
  const pods = await startPods(t, 2);
  const open = acceptUpgrades(pods);
  const agent = startAgent(t, pods, { connections: 1 });
  const slow = [get(agent, '/slow/1'), get(agent, '/slow/2')];
  const received = pods.map((pod) => once(pod, 'request'));
  await Promise.all(received);
  const upgraded = [upgrade(agent), upgrade(agent)];
  while (agent.stats[ORIGIN]!.queued < 2) await new Promise(setImmediate);
  for (const pod of pods) {
    pod.release('/slow/1');
    pod.release('/slow/2');
  }
  await Promise.all([...slow, ...upgraded]);
  assert.deepEqual(open(), [1, 1]);
});

test('an upgrade with nobody to take it fails with the error of the dial', async (t) => {
  // The clock stands still: what waits on it waits for ever.
  const clock = new FakeClock();
  const agent = startAgent(t, [{ endpoint: { address: nextAddress(), port: 9 } }], { clock });
  await assert.rejects(upgrade(agent), { code: 'ECONNREFUSED' });
  // At once again, though nothing is dialled unasked for a while after a failure.
  await assert.rejects(upgrade(agent), { code: 'ECONNREFUSED' });
});

test('an upgrade that waits can be aborted', async (t) => {
  const agent = startAgent(t, [], { discovery: new ManualResolver().resolve });
  const signal = AbortSignal.timeout(20);
  const options = { origin: ORIGIN, path: '/', protocol: 'echo', signal } as Dispatcher.UpgradeOptions;
  await assert.rejects(agent.upgrade(options) as Promise<unknown>, { name: 'TimeoutError' });
  assert.equal(agent.stats[ORIGIN]!.queued, 0);
});

test('a refused upgrade gives its place back', async (t) => {
  const pods = await startPods(t, 2);
  const agent = startAgent(t, pods);
  // Without a listener for upgrades, Node's server takes them for ordinary requests.
  for (let n = 0; n < 4; n++) await assert.rejects(upgrade(agent), { code: 'UND_ERR_SOCKET' });
  await get(agent);
  assert.equal(agent.stats[ORIGIN]!.running, 0);
});

test('a WebSocket of undici works through the agent', async (t) => {
  const { createHash } = await import('node:crypto');
  const [pod] = await startPods(t, 1);
  pod!.server.on('upgrade', (request, socket) => {
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
    );
    // One unmasked text frame.
    socket.write(Buffer.from([0x81, 5, ...Buffer.from('hello')]));
    socket.on('error', () => {});
  });
  const agent = startAgent(t, [pod!]);
  const socket = new WebSocket(ORIGIN.replace('http', 'ws'), { dispatcher: agent });
  const message = await new Promise((resolve, reject) => {
    socket.addEventListener('message', ({ data }) => resolve(data));
    socket.addEventListener('error', reject);
  });
  assert.equal(message, 'hello');
  socket.close();
});
