import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { test } from 'node:test';
import { portsOf, unacknowledged } from '../../../src/core/connections/unacknowledged.ts';
import { startFrozenPod } from '../../support/frozen-pod.ts';

const skip = existsSync('/proc/net/tcp') ? false : 'there is no table of connections';

test('what a process that hangs has been sent is acknowledged, by its kernel', { skip }, async (t) => {
  const pod = await startFrozenPod(t);
  await pod.hang();
  const socket = connect(pod.endpoint.port, pod.address);
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write('GET / HTTP/1.1\r\n\r\n');
  const known = await unacknowledged();
  assert.equal(known.get(portsOf(socket.localPort!, socket.remotePort!)), false);
  assert.equal(known.get(portsOf(1, 1)), undefined);
});
