import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { startAdmin, visit } from './visiting.ts';

const CALLERS = 10_000;
const MOST_SOCKETS = 64;

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

test('10,000 requests that are never finished take few sockets, for a few seconds, and others are answered after', async (t) => {
  const { port } = await startAdmin(t);
  const open = new Set<Socket>();
  t.after(() => {
    for (const socket of open) socket.destroy();
  });
  const heap = process.memoryUsage().rss;
  for (let count = 0; count < CALLERS; count++) {
    const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nhost: loc'));
    open.add(socket.resume());
    socket.on('error', () => {});
    socket.once('close', () => open.delete(socket));
    // As many under way as the kernel lines up.
    if (open.size > 2 * MOST_SOCKETS) await closed([...open].at(-1)!);
  }
  while (open.size > MOST_SOCKETS) await closed([...open].at(-1)!);
  assert.ok(process.memoryUsage().rss - heap < 100e6);
  await Promise.all(Array.from(open, closed));
  assert.equal((await visit(port)).status, 200);
});

test('no more than 16 watch at a time', async (t) => {
  const { port } = await startAdmin(t);
  const statuses: number[] = [];
  for (let viewer = 0; viewer < 20; viewer++) {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write('GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n'),
    );
    t.after(() => socket.destroy());
    const [chunk] = await once(socket, 'data');
    statuses.push(Number(String(chunk).slice(9, 12)));
  }
  assert.deepEqual(statuses, [...new Array(16).fill(200), ...new Array(4).fill(503)]);
});
