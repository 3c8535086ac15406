import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyHash } from '../../../src/transports/common/key-hash.ts';

test('a key is the same in any form of a header value', () => {
  const expected = keyHash('42');
  for (const value of [42, 42n, ['42'], [42, 43]]) assert.equal(keyHash(value), expected);
});

test('what is no key binds no request, so that not all of them go to one pod', () => {
  for (const value of [undefined, null, '', [], {}, [{}], () => 'key']) assert.equal(keyHash(value), -1);
});
