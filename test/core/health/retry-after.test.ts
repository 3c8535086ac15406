import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryAfter } from '../../../src/core/health/retry-after.ts';

const at = (milliseconds: number) => new Date(milliseconds).toUTCString();

test('seconds', () => {
  assert.equal(retryAfter({ 'retry-after': '7' }), 7_000);
  assert.equal(retryAfter({ 'retry-after': ' 7 ' }), 7_000);
  assert.equal(retryAfter({ 'retry-after': ['7', '8'] }), 7_000);
});

test('a date, by the clock of the server if it says', () => {
  const theirs = Date.UTC(2020, 1, 1);
  assert.equal(retryAfter({ 'retry-after': at(theirs + 9_000), date: at(theirs) }), 9_000);
  const until = new Date(Date.now() + 20_000);
  until.setMilliseconds(0);
  const most = until.getTime() - Date.now();
  const left = retryAfter({ 'retry-after': until.toUTCString() });
  assert.ok(left <= most && left >= until.getTime() - Date.now(), String(left));
});

test('half a minute at most', () => {
  assert.equal(retryAfter({ 'retry-after': '3600' }), 30_000);
  assert.equal(retryAfter({ 'retry-after': '9'.repeat(400) }), 30_000);
  assert.equal(retryAfter({ 'retry-after': at(Date.now() + 3_600_000) }), 30_000);
});

for (const value of [undefined, '', '0', 'soon', '-5', '1.5', '0x10', at(0)]) {
  test(`no pause: ${value}`, () => assert.equal(retryAfter({ 'retry-after': value }), 0));
}
