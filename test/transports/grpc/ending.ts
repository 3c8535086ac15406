import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callsOf } from '../../support/answers.ts';
import { startGrpcPods } from '../../support/grpc-pod.ts';
import { run } from '../../support/versions.ts';

export const CALLER = new URL('../../support/grpc-and-exit.ts', import.meta.url).pathname;

/** A program that calls pods, and then has nothing more to do. */
export function testEnd(mode: 'idle' | 'closed' | 'unused'): void {
  test(`when its channels are ${mode}`, async (t) => {
    const pods = await startGrpcPods(t, 2);
    const addresses = pods.map(({ address, port }) => `${address}:${port}`).join();
    const { code, stdout, stderr, took, lingered } = await run(process.execPath, [CALLER, mode, addresses]);
    assert.deepEqual([code, stderr], [0, '']);
    if (mode === 'unused') return;
    assert.equal(stdout, 'answered\n');
    assert.equal(callsOf(pods)[0]! + callsOf(pods)[1]!, 6);
    // A machine that is slow is so before it, too.
    assert.ok(lingered < 3_000 + took, `${lingered} after ${took}`);
  });
}
