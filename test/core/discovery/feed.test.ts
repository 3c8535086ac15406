import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Changes } from '../../../src/core/discovery/changes.ts';
import { Feed } from '../../../src/core/discovery/feed.ts';

/** Numbers, for as long as they are asked for; and whether somebody still might ask. */
function numbers() {
  const state = { held: false };
  async function* count(): AsyncGenerator<number, void, undefined> {
    state.held = true;
    try {
      for (let n = 1; ; n++) yield n;
    } finally {
      state.held = false;
      // As one does whose way out is over a network.
      await Promise.reject(new Error('no way out'));
    }
  }
  return { state, count };
}

for (const [when, takes] of [
  ['before its first value was taken', 0],
  ['while its last value is in use', 1],
  ['when the next value has been asked for', 2],
] as const) {
  test(`an iterable that is stopped ${when} lets go of what it holds`, async () => {
    const { state, count } = numbers();
    const arrivals = new Changes();
    const feed = new Feed(count, arrivals);
    await arrivals.since(0);
    for (let i = 0; i < takes; i++) feed.take();
    assert.equal(state.held, true);
    feed.stop();
    feed.stop();
    await new Promise(setImmediate);
    assert.equal(state.held, false);
    assert.equal(feed.over, true);
    assert.equal(feed.take(), undefined);
  });
}
