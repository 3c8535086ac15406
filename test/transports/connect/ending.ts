import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startConnectPods } from '../../support/connect-pod.ts';
import { run } from '../../support/versions.ts';

export const CALLER = new URL('../../support/connect-and-exit.ts', import.meta.url).pathname;

/** A program that calls pods, and then has nothing more to do. */
export function testEnd(mode: 'idle' | 'closed' | 'unused' | 'failing'): void {
  test(`when its sessions are ${mode}`, async (t) => {
    const pods = await startConnectPods(t, 2);
    const addresses = pods.map(({ address, port }) => `${address}:${port}`).join();
    const { code, stdout, stderr, took, lingered } = await run(process.execPath, [CALLER, mode, addresses]);
    assert.deepEqual([code, stderr], [0, '']);
    if (mode === 'unused') return;
    assert.equal(stdout, mode === 'failing' ? '[deadline_exceeded] the operation timed out\n' : 'answered\n');
    // A machine that is slow is so before it, too.
    assert.ok(lingered < 3_000 + took, `${lingered} after ${took}`);
  });
}
