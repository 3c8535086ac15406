import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULTS, failures, POLICIES } from './zones.ts';

for (const policy of POLICIES) {
  test(`an own zone that is cut off is left for the others: ${policy}`, async (t) => {
    const load = { kind: 'open', size: 500 } as const;
    const scene = { policy, size: 3, victims: 3, fault: FAULTS['is cut off']!, load };
    const [on, off] = [await failures(scene, 'zone'), await failures(scene, 'off')];
    t.diagnostic(`${on} failed, ${off} with locality off`);
    // All that is on its way at that moment is in the own zone.
    assert.ok(on <= 2 * off + 20, `${on} failed, ${off} with locality off`);
  });
}
