import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../src/core/base/clock.ts';
import type { Target } from '../../../src/core/connections/transport.ts';
import type { Check } from '../../../src/core/health/checker.ts';
import { Dialer as HttpDialer } from '../../../src/transports/http/dialer.ts';
import { HttpHealthCheck } from '../../../src/transports/http/http-health-check.ts';
import { ClientHealthCheck } from '../../../src/transports/undici/client-health-check.ts';
import { Dialer as ClientDialer } from '../../../src/transports/undici/dialer.ts';
import { startFrozenPod } from '../../support/frozen-pod.ts';

const url = new URL('http://orders.prod');
const settings = {
  path: '/',
  expectedStatus: 200,
  interval: 1_000,
  timeout: 400,
  healthyThreshold: 1,
  unhealthyThreshold: 1,
};

type Begin = (target: Target, onResult: (passed: boolean) => void) => Check;

const WAYS: Record<string, Begin> = {
  undici(target, onResult) {
    const dialer = new ClientDialer({ url, servername: '', client: {}, connectTimeout: 3_000 });
    const options = { target, url, dialer, client: {}, clock: systemClock, settings };
    return new ClientHealthCheck(options, onResult);
  },
  'node:http'(target, onResult) {
    const dialer = new HttpDialer({ url, servername: '', connect: {}, connectTimeout: 3_000 });
    return new HttpHealthCheck(url, { target, dialer, clock: systemClock, settings }, onResult);
  },
};

for (const [name, begin] of Object.entries(WAYS)) {
  test(`${name}: a process that is held up during a health check takes no pod to be ill`, async (t) => {
    const pod = await startFrozenPod(t);
    const result = new Promise<boolean>((resolve) => begin({ info: pod.endpoint }, resolve));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
    assert.equal(await result, true);
  });
}
