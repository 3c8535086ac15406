import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveThrough } from '../../../support/api-fleet.ts';

/** Services that a client uses, each of which takes two watches, its slices' and its own. */
const SERVICES = [1, 2, 4, 10];
/** How often one watch asks in half a minute: with pauses that double up to ten seconds, and to know within five. */
const DOUBLING = 4.5;
const EVERY_FEW_SECONDS = 8.5;

/** Numbers from 0 to below 1, the same ones each time. */
function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let n = Math.imul(seed ^ (seed >>> 15), seed | 1);
    n ^= n + Math.imul(n ^ (n >>> 7), n | 61);
    return ((n ^ (n >>> 14)) >>> 0) / 2 ** 32;
  };
}

test('a thousand clients of an API server that was away list within 30 s, and not all at once', async () => {
  const { relists } = await liveThrough({ clients: 1_000, duration: 60_000, random: seeded(1) });
  assert.equal(relists.length, 1_000);
  const [first, last] = [relists[0]!, relists.at(-1)!];
  assert.ok(last < 30_000, `the last after ${last} ms`);
  // Between the first and the last twentieth, so that stragglers don't count.
  assert.ok(relists[950]! - relists[50]! >= 10_000, `${first}–${last} ms`);
  for (let second = 0; second < 30; second++) {
    const busy = relists.filter((at) => Math.floor(at / 1_000) === second).length;
    assert.ok(busy < 150, `${busy} in second ${second}`);
  }
});

test('so do they after a restart that took but a moment', async () => {
  const { relists } = await liveThrough({ clients: 1_000, duration: 1_000, random: seeded(2) });
  assert.equal(relists.length, 1_000);
  assert.ok(relists.at(-1)! < 30_000);
  assert.ok(relists[950]! - relists[50]! >= 3_000, `${relists[50]}–${relists[950]} ms`);
});

for (const [what, status] of [
  ['answers 403', 403],
  ['answers 503', 503],
  ['refuses connections', undefined],
] as const) {
  test(`an API server that ${what} for half a minute hears as much of all watches of a client as of one`, async (t) => {
    for (const services of SERVICES) {
      const { asked, opens, relists } = await liveThrough({
        clients: 50,
        watches: 2 * services,
        duration: 30_000,
        ...(status === undefined ? undefined : { status }),
        keepsHistory: true,
        random: seeded(services),
      });
      const requests = asked / 50;
      const last = opens.at(-1)!;
      t.diagnostic(`${services} Services: ${requests} requests of a client; all followed after ${last} ms`);
      assert.equal(opens.length, 100 * services);
      assert.ok(requests <= (status === undefined ? DOUBLING : EVERY_FEW_SECONDS), String(requests));
      assert.equal(relists.length, 0);
      if (status !== undefined) assert.ok(last <= 5_000, `the last after ${last} ms`);
    }
  });
}
