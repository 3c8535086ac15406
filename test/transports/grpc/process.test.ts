import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { callsOf } from '../../support/answers.ts';
import { startGrpcPods } from '../../support/grpc-pod.ts';
import { run } from '../../support/versions.ts';
import { CALLER, testEnd } from './ending.ts';

describe('a process ends by itself', { concurrency: true }, () => {
  testEnd('idle');

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
