import assert from 'node:assert/strict';
import test from 'node:test';
import { Families } from '../../../../src/core/discovery/dns/families.ts';
import { interfaces as on } from './setup.ts';

const dualStack = on('127.0.0.1', '::1', '10.0.0.1', 'fd00::1', 'fe80::1');

test('IPv4 comes before IPv6 on a host that can route both', () => {
  const families = new Families('auto', dualStack);
  assert.deepEqual(families.startingWith(undefined), [4, 6]);
  assert.deepEqual(families.choose(['2001:db8::1', '192.0.2.1', '192.0.2.2']), ['192.0.2.1', '192.0.2.2']);
  assert.deepEqual(families.choose(['2001:db8::1']), ['2001:db8::1']);
});

test('the family that had addresses before comes first', () => {
  assert.deepEqual(new Families('auto', dualStack).startingWith(6), [6, 4]);
  assert.deepEqual(new Families(4, dualStack).startingWith(6), [4]);
});

test('a host with IPv6 routes only uses IPv6', () => {
  const families = new Families('auto', on('127.0.0.1', '::1', 'fd00::1'));
  assert.deepEqual(families.startingWith(undefined), [6, 4]);
  assert.deepEqual(families.choose(['192.0.2.1', '2001:db8::1']), ['2001:db8::1']);
  assert.ok(!families.reaches('192.0.2.1'));
  assert.ok(families.reaches('127.0.0.2'), 'loopback needs no route');
});

test('a link-local IPv6 address is no route', () => {
  const families = new Families('auto', on('127.0.0.1', '10.0.0.1', 'fe80::1'));
  assert.ok(!families.reaches('2001:db8::1'));
  assert.deepEqual(families.choose(['2001:db8::1', '192.0.2.1']), ['192.0.2.1']);
});

test('addresses out of reach are better than none', () => {
  const families = new Families('auto', on('127.0.0.1', '10.0.0.1'));
  assert.deepEqual(families.choose(['2001:db8::1']), ['2001:db8::1']);
});

test('a host without routes, or whose interfaces are unknown, may try everything', () => {
  for (const interfaces of [{}, on('127.0.0.1', '::1')]) {
    const families = new Families('auto', interfaces);
    assert.ok(families.reaches('192.0.2.1'));
    assert.ok(families.reaches('2001:db8::1'));
    assert.deepEqual(families.startingWith(undefined), [4, 6]);
  }
});

test('the option keeps to its family', () => {
  assert.deepEqual(new Families(6, dualStack).choose(['192.0.2.1', '2001:db8::1']), ['2001:db8::1']);
  assert.deepEqual(new Families(4, dualStack).choose(['2001:db8::1']), []);
  assert.deepEqual(new Families(6, dualStack).startingWith(undefined), [6]);
});

test('loopback addresses of both families stay together, where the host has both', () => {
  const families = new Families('auto', dualStack);
  assert.deepEqual(families.choose(['127.0.0.1', '::1']), ['127.0.0.1', '::1']);
  assert.deepEqual(families.choose(['127.0.0.1', '::1', 'fe80::1%lo0']), ['127.0.0.1', '::1']);
  assert.deepEqual(families.choose(['127.0.0.1', '::1', '10.0.0.2']), ['127.0.0.1', '10.0.0.2']);
  assert.deepEqual(new Families('auto', on('127.0.0.1')).choose(['127.0.0.1', '::1']), ['127.0.0.1']);
  assert.deepEqual(new Families(4, dualStack).choose(['127.0.0.1', '::1']), ['127.0.0.1']);
});
