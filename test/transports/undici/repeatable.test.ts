import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { FormData } from 'undici';
import { isRepeatable } from '../../../src/transports/undici/repeatable.ts';
import { RequestOptions } from '../../../src/transports/undici/request-options.ts';

function repeatable(options: object): boolean {
  return isRepeatable(new RequestOptions({ path: '/', method: 'GET', ...options }));
}

test('idempotent methods are repeatable, others are not', () => {
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY']) {
    assert.ok(repeatable({ method }), method);
  }
  for (const method of ['POST', 'PATCH', 'CONNECT', 'LOCK']) assert.ok(!repeatable({ method }), method);
});

test('the caller has the last word on that', () => {
  assert.ok(repeatable({ method: 'POST', idempotent: true }));
  assert.ok(!repeatable({ method: 'GET', idempotent: false }));
});

test('an Idempotency-Key makes any method repeatable', () => {
  const forms = [
    { 'Idempotency-Key': '1' },
    { 'x-idempotency-key': '1' },
    ['accept', '*/*', 'idempotency-key', '1'],
    new Map([['idempotency-key', '1']]),
    new Headers({ 'Idempotency-Key': '1' }),
  ];
  for (const headers of forms) assert.ok(repeatable({ method: 'POST', headers }));
  assert.ok(!repeatable({ method: 'POST', headers: { accept: 'idempotency-key' } }));
  assert.ok(!repeatable({ method: 'POST', headers: ['accept', 'idempotency-key'] }));
  assert.ok(!repeatable({ method: 'POST', headers: null }));
});

test('one without a value does not: nothing tells the server of a repetition', () => {
  const values = [undefined, null, '', ' ', [], [''], [null]];
  for (const value of values) {
    for (const headers of [
      { 'idempotency-key': value },
      ['Idempotency-Key', value],
      new Map([['idempotency-key', value]]),
    ]) {
      assert.ok(!repeatable({ method: 'POST', headers }), JSON.stringify(value));
    }
  }
  for (const value of [0, false, '0', ['', '1']]) {
    assert.ok(repeatable({ method: 'POST', headers: { 'idempotency-key': value } }), JSON.stringify(value));
  }
});

test('bodies that are still there are repeatable', () => {
  const form = new FormData();
  form.set('a', 'b');
  for (const body of ['text', Buffer.from('a'), new Uint8Array(1), new Blob(['a']), form, null, '']) {
    assert.ok(repeatable({ method: 'PUT', body }));
  }
});

test('streams and iterables are not', () => {
  async function* chunks() {
    yield 'a';
  }
  for (const body of [Readable.from(['a']), chunks(), ['a'], new ReadableStream()]) {
    assert.ok(!repeatable({ method: 'PUT', body }));
  }
});
