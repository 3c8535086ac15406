import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Total } from '../../src/telemetry/total.ts';

const countOf = ({ count }: { count: number }) => count;

test('a total never falls, whatever comes, goes or is taken back', () => {
  const total = new Total<{ count: number }>();
  const [a, b, c] = [{ count: 10 }, { count: 5 }, { count: 1 }];
  assert.equal(total.read([a, b], countOf), 15);
  a.count = 12;
  assert.equal(total.read([a, b], countOf), 17);
  // It is gone, and what it counted before that is seen once more.
  a.count = 15;
  b.count = 6;
  assert.equal(total.read([b, c], countOf), 22);
  a.count = 100;
  b.count = 4;
  assert.equal(total.read([b, c], countOf), 22);
  b.count = 5;
  assert.equal(total.read([b], countOf), 23);
  assert.equal(total.read([], countOf), 23);
});

test('what a source counted before it ended is counted once', () => {
  const total = new Total<{ count: number }>();
  const [a, b] = [{ count: 10 }, { count: 5 }];
  assert.equal(total.read([a], countOf), 10);
  total.end(a, 12);
  total.end(b, 5);
  assert.equal(total.read([], countOf), 17);
});
