import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../src/core/base/clock.ts';
import { Dialer } from '../../../src/transports/undici/dialer.ts';
import { HealthCheck } from '../../../src/transports/undici/health-check.ts';
import { startFrozenPod } from '../../support/frozen-pod.ts';

test('a process that is held up during a health check takes no pod to be ill', async (t) => {
  const pod = await startFrozenPod(t);
  const url = new URL('http://orders.prod');
  const target = { info: pod.endpoint };
  const dialer = new Dialer({ url, servername: '', client: {}, connectTimeout: 3_000 });
  const isExpected = (statusCode: number) => statusCode === 200;
  const options = { url, dialer, client: {}, clock: systemClock, path: '/', timeout: 400, isExpected };
  const result = new Promise<boolean>((resolve) => new HealthCheck(target, options, resolve));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
  assert.equal(await result, true);
});
