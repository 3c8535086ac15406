import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EndpointAddress, staticResolver } from '../../../src/index.ts';

for (const [bad, message] of [
  [undefined, 'staticResolver takes a list of endpoints, got undefined'],
  [
    [{ address: 'orders', port: 80 }],
    'staticResolver got {"address":"orders","port":80}; expected an IP address',
  ],
  [[{ address: '10.0.0.1' }], 'staticResolver got {"address":"10.0.0.1"}; expected a port from 1 to 65535'],
  [[null], 'staticResolver got null; expected an IP address'],
] as const) {
  test(`a list that is none is refused where it is written: ${message}`, () => {
    assert.throws(() => staticResolver(bad as unknown as EndpointAddress[]), {
      name: 'ResolverError',
      message,
    });
  });
}
