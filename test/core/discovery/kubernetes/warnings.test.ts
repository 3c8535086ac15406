import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { onceEach } from '../../../../src/core/discovery/kubernetes/warnings.ts';

test('a warning is given once; another of its kind is another', () => {
  const given: string[] = [];
  const warn = onceEach((code, message) => given.push(`${code} ${message}`));
  warn('EVENKEEL_X', 'of orders');
  warn('EVENKEEL_X', 'of orders');
  warn('EVENKEEL_X', 'of payments');
  assert.deepEqual(given, ['EVENKEEL_X of orders', 'EVENKEEL_X of payments']);
});

test('it is a warning of the process, with a code', async () => {
  const warned = once(process, 'warning') as Promise<[Error & { code: string }]>;
  onceEach()('EVENKEEL_TEST', 'this is a test');
  const [warning] = await warned;
  assert.equal(warning.code, 'EVENKEEL_TEST');
  assert.equal(warning.name, 'EvenkeelWarning');
  assert.equal(warning.message, 'this is a test');
});
