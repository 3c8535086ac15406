import assert from 'node:assert/strict';
import test from 'node:test';
import { addressesInHosts } from '../../../../src/core/discovery/dns/hosts-file.ts';

test('a name has the addresses of all lines that list it', () => {
  const text =
    '127.0.0.1\tlocalhost  web\n10.0.0.1 orders orders.test # 10.0.0.9\n\n10.0.0.2   orders\r\n::1 localhost';
  assert.deepEqual(addressesInHosts(text, 'orders'), ['10.0.0.1', '10.0.0.2']);
  assert.deepEqual(addressesInHosts(text, 'localhost'), ['127.0.0.1', '::1']);
  assert.deepEqual(addressesInHosts(text, 'web'), ['127.0.0.1']);
});

test('comments, parts of names and addresses are no names', () => {
  const text = '# 10.0.0.1 orders\n10.0.0.2 my-orders orders.test #orders';
  assert.deepEqual(addressesInHosts(text, 'orders'), []);
  assert.deepEqual(addressesInHosts(text, '10.0.0.2'), []);
});

test('lines that do not start with an IP address are passed over', () => {
  assert.deepEqual(addressesInHosts('10.0.0 orders\norders orders\n10.0.0.1 orders', 'orders'), ['10.0.0.1']);
});

test('the last line needs no end, and one line is read once', () => {
  assert.deepEqual(addressesInHosts('10.0.0.1 orders orders orders', 'orders'), ['10.0.0.1']);
  assert.deepEqual(addressesInHosts('', 'orders'), []);
});

test('a name costs little in a file of a hundred thousand others', () => {
  const others = Array.from({ length: 100_000 }, (_, i) => `0.0.0.0 ads-${i}.example`).join('\n');
  const text = `127.0.0.1 localhost\n${others}\n10.0.0.1 orders`;
  const took: number[] = [];
  for (let i = 0; i < 20; i++) {
    const start = performance.now();
    assert.deepEqual(addressesInHosts(text, 'orders'), ['10.0.0.1']);
    took.push(performance.now() - start);
  }
  // Measured 0.1 ms each; splitting the text into words takes 75.
  assert.ok(Math.min(...took) < 15, took.join());
});

test('IPv6 addresses are written one way, and scopes stay', () => {
  assert.deepEqual(addressesInHosts('0:0:0:0:0:0:0:1 web\nfe80::1%lo0 web', 'web'), ['::1', 'fe80::1%lo0']);
});
