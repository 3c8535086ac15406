import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { IS_SHORT } from '../support/versions.ts';
import { FAULTS, failures, LOADS, POLICIES } from './zones.ts';

for (const [whom, victimsOf] of [
  ['an own zone', (size: number) => size],
  ['one pod of the own zone', () => 1],
] as const) {
  describe(whom, () => {
    for (const [what, fault] of Object.entries(FAULTS)) {
      test(`that ${what} fails at most twice as many requests as without zones, but for those on their way`, async (t) => {
        const sums = { on: 0, off: 0 };
        for (const policy of POLICIES) {
          for (const size of IS_SHORT ? [2] : [2, 3]) {
            for (const [inFlight, load] of LOADS) {
              const scene = { policy, size, victims: victimsOf(size), fault, load };
              const [on, off] = [await failures(scene, 'zone'), await failures(scene, 'off')];
              sums.on += on;
              sums.off += off;
              const told = `${policy}, zones of ${size}, ${JSON.stringify(load)}: ${on} failed, ${off} without`;
              assert.ok(on <= 2 * off + inFlight, told);
            }
          }
        }
        t.diagnostic(`${sums.on} failed in all, ${sums.off} with locality off`);
      });
    }
  });
}
