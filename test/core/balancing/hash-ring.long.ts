import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KEYS, owners, Pod, start, startPods } from './rings.ts';

test('a canary of a tenth of the weight moves its own share of the keys, in a fleet of any size', (t) => {
  for (const [count, most] of [
    [10, 0.03],
    [3, 0.09],
    [1, 0.2],
  ] as const) {
    const moved = Array.from({ length: 20 }, (_, n) => {
      const ring = start(startPods(count));
      const before = owners(ring);
      const canary = new Pod(500 + n, 0.1);
      ring.update([canary], []);
      const after = owners(ring);
      for (const [index, owner] of after.entries()) assert.ok(owner === before[index] || owner === canary);
      const share = after.filter((owner) => owner === canary).length / KEYS.length;
      ring.update([], [canary]);
      assert.deepEqual(owners(ring), before);
      return share;
    });
    t.diagnostic(`${count} pods: ${(Math.max(...moved) * 100).toFixed(2)} % of keys move at most`);
    assert.ok(Math.max(...moved) <= most, String(moved));
    // A tenth of what another one has, but for the chance of where its only point lies.
    const mean = moved.reduce((sum, share) => sum + share, 0) / moved.length;
    const due = 0.1 / (count + 0.1);
    assert.ok(Math.abs(mean - due) < due * 0.25, `${mean}, ${due} due`);
  }
});
