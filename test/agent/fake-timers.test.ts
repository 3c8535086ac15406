import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPod } from '../support/pods.ts';
import { run } from '../support/versions.ts';

const SCRIPT = new URL('../support/under-fake-timers.ts', import.meta.url).pathname;

test('timers that a test fakes hold up no request: not on a warm connection, in the queue, or in a look-up', async (t) => {
  const pod = await startPod(t);
  const { code, stdout, stderr } = await run(process.execPath, [SCRIPT, pod.address, String(pod.port)]);
  assert.equal(code, 0, stderr);
  const { before, again, queued, named, inPlace } = JSON.parse(stdout);
  assert.equal(before, pod.address);
  assert.deepEqual(again, Array(3).fill(pod.address));
  assert.deepEqual(queued, Array(3).fill(pod.address));
  // Nobody listens there, which undici's own agent finds out too.
  assert.deepEqual(named, ['ECONNREFUSED', 'ECONNREFUSED']);
  assert.equal(inPlace, true, 'the fake is where it was');
});
