import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { callsOf, startGrpcPods } from '../../support/grpc-pod.ts';
import { run } from '../../support/versions.ts';

const CALLER = new URL('../../support/grpc-and-exit.ts', import.meta.url).pathname;

describe('a process ends by itself', { concurrency: true }, () => {
  for (const mode of ['idle', 'closed', 'unused']) {
    test(`when its channels are ${mode}`, async (t) => {
      const pods = await startGrpcPods(t, 2);
      const addresses = pods.map(({ address, port }) => `${address}:${port}`).join();
      const { code, stdout, stderr, lingered } = await run(process.execPath, [CALLER, mode, addresses]);
      assert.deepEqual([code, stderr], [0, '']);
      if (mode === 'unused') return;
      assert.equal(stdout, 'answered\n');
      assert.equal(callsOf(pods)[0]! + callsOf(pods)[1]!, 6);
      assert.ok(lingered < 3_000, `${lingered}`);
    });
  }

  test('EVENKEEL_DISABLED=1 has installGrpc do nothing', async (t) => {
    const pods = await startGrpcPods(t, 1);
    const { stdout } = await run(process.execPath, [CALLER, 'idle', `${pods[0]!.address}:${pods[0]!.port}`], {
      EVENKEEL_DISABLED: '1',
    });
    // grpc-js knows no such scheme, and takes it for a name.
    assert.match(stdout, /^14 UNAVAILABLE/);
    assert.deepEqual(callsOf(pods), [0]);
  });
});
