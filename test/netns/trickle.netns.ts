import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertMeasured } from './bed/bars.ts';
import { startBed } from './bed/bed.ts';

const SECONDS = 60;

describe('one client behind a ClusterIP sends one request a second', { concurrency: true }, () => {
  for (const [name, dispatcher, options] of [
    ['stock undici', 'undici', {}],
    ['evenkeel', 'evenkeel', {}],
    ['evenkeel, cap 5 s', 'evenkeel', { maxConnectionDuration: '5s' }],
  ] as const) {
    test(`${name}: ≤ 2 % wait on a dial`, async (t) => {
      const bed = await startBed(t, { pods: 3 });
      const client = await bed.startClient(dispatcher, options);
      const { requests, waited, failures } = await client.steady(1, SECONDS);
      const used = (await bed.counts()).map((pod) => pod.requests);
      t.diagnostic(
        `${waited} of ${requests} waited, the first one included; requests by pod: ${used.join(', ')}`,
      );
      assert.deepEqual(failures, {});
      assertMeasured(t, waited / requests <= 0.02, `${waited} of ${requests} waited`);
    });
  }
});
