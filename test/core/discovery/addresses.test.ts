import assert from 'node:assert/strict';
import test from 'node:test';
import { isLoopback, isPrivate, localOnly } from '../../../src/core/discovery/addresses.ts';

const at = (...addresses: string[]) => addresses.map((address) => ({ address, port: 80 }));

test('loopback addresses are those that lead back to this host', () => {
  for (const address of ['127.0.0.1', '127.255.3.4', '::1', '::ffff:127.0.0.1']) {
    assert.ok(isLoopback(address), address);
  }
  for (const address of ['126.255.255.255', '128.0.0.1', '10.0.0.1', '::2', '::', 'localhost', '']) {
    assert.ok(!isLoopback(address), address);
  }
});

test('private addresses are those of RFC 1918, RFC 6598 and RFC 4193', () => {
  for (const address of [
    ...['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
    ...['100.64.0.1', '100.127.255.255'],
    ...['fd00::1', 'fc00::1', 'FDFF::1', '::ffff:10.1.2.3'],
  ]) {
    assert.ok(isPrivate(address), address);
  }
  for (const address of [
    ...['9.255.255.255', '11.0.0.1', '172.15.0.1', '172.32.0.1', '192.167.0.1', '192.169.0.1'],
    ...['100.63.255.255', '100.128.0.1', '169.253.0.1', '127.0.0.1', '8.8.8.8'],
    ...['fe00::1', 'fec0::1', '2001:db8::1', '::1', '::ffff:8.8.8.8', 'orders', ''],
  ]) {
    assert.ok(!isPrivate(address), address);
  }
});

test('link-local addresses, and where clouds have their metadata, are nobody’s network', () => {
  for (const address of [
    ...['169.254.169.254', '169.254.170.2', '169.254.20.10', '::ffff:169.254.169.254'],
    ...['fe80::1', 'fe80::1%eth0', 'febf::1'],
    ...['fd00:ec2::254', 'fd00:ec2::23', 'fd20:ce::254', '100.100.100.200'],
  ]) {
    assert.ok(!isPrivate(address), address);
    assert.ok(!isLoopback(address), address);
  }
});

test('endpoints are local only when there are some and none is public', () => {
  assert.ok(localOnly(at('10.0.0.1', '127.0.0.1', 'fd00::1')));
  assert.ok(!localOnly(at('10.0.0.1', '8.8.8.8')));
  assert.ok(!localOnly(at('2001:db8::1')));
  assert.ok(!localOnly([]));
});
