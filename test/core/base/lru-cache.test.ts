import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LruCache } from '../../../src/core/base/lru-cache.ts';
import { seededRandom } from '../../support/random.ts';

function cacheOf(max: number, ...keys: string[]): { cache: LruCache<string>; gone: string[] } {
  const gone: string[] = [];
  const cache = new LruCache<string>(max, (value) => gone.push(value));
  for (const key of keys) cache.set(key, key.toUpperCase());
  return { cache, gone };
}

test('of more than it may have, the one that wasn’t used for the longest time goes', () => {
  const { cache, gone } = cacheOf(2, 'a', 'b');
  assert.equal(cache.get('a'), 'A');
  cache.set('c', 'C');
  assert.deepEqual(gone, ['B']);
  assert.deepEqual(
    [...cache.entries()],
    [
      ['a', 'A'],
      ['c', 'C'],
    ],
  );
});

test('to look whether there is one, or at it, is no use of it', () => {
  const { cache, gone } = cacheOf(2, 'a', 'b');
  assert.equal(cache.has('a'), true);
  assert.equal(cache.peek('a'), 'A');
  cache.set('c', 'C');
  assert.deepEqual(gone, ['A']);
});

test('one that is set again is used, and what it was before leaves', () => {
  const { cache, gone } = cacheOf(2, 'a', 'b');
  cache.set('a', 'other');
  cache.set('b', 'B');
  assert.deepEqual(gone, ['A']);
  cache.set('c', 'C');
  assert.deepEqual(gone, ['A', 'other']);
});

test('what is taken out while all are looked at is left out', () => {
  const { cache, gone } = cacheOf(3, 'a', 'b', 'c');
  const seen: string[] = [];
  for (const value of cache.values()) {
    seen.push(value);
    cache.delete('a');
    cache.delete('b');
  }
  assert.deepEqual([seen, gone, cache.size], [['A', 'C'], ['A', 'B'], 1]);
});

test('all of them leave when it is cleared, and it is as new', () => {
  const { cache, gone } = cacheOf(2, 'a', 'b');
  cache.clear();
  assert.deepEqual([gone, cache.size, [...cache.values()]], [['A', 'B'], 0, []]);
  cache.set('c', 'C');
  assert.deepEqual([...cache.values()], ['C']);
});

test('a value is gone before others are told of it, so that they may change what there is', () => {
  const cache: LruCache<number> = new LruCache(2, (value) => {
    assert.equal(cache.has(String(value)), false);
    cache.delete('2');
  });
  for (const value of [1, 2, 3]) cache.set(String(value), value);
  assert.deepEqual([...cache.values()], [3]);
});

test('whatever is done to it, it has what a plain list of uses says', () => {
  const random = seededRandom(7);
  const cache = new LruCache<number>(5);
  /** Keys and values, the longest unused first. */
  let used: [string, number][] = [];
  for (let step = 0; step < 5_000; step++) {
    const key = String(Math.floor(random() * 9));
    const known = used.find(([name]) => name === key);
    const others = used.filter((entry) => entry !== known);
    const action = random();
    if (action < 0.5) {
      assert.equal(cache.get(key), known?.[1]);
      used = known === undefined ? others : [...others, known];
    } else if (action < 0.9) {
      cache.set(key, step);
      used = [...others, [key, step] as [string, number]].slice(-5);
    } else {
      cache.delete(key);
      used = others;
    }
    assert.deepEqual(new Map(cache.entries()), new Map(used));
  }
});
