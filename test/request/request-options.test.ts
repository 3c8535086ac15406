import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { RequestOptions } from '../../src/request/request-options.ts';

const { resolve } = createRequire(import.meta.url);

test('all that undici reads of options is taken: a new one would be lost on the way', () => {
  const source = readFileSync(resolve('undici/lib/core/request.js'), 'utf8');
  const names = /constructor \(origin, \{([^}]+)\}, handler\)/.exec(source)?.[1]?.match(/\w+/g);
  assert.ok(names);
  const taken = Object.keys(new RequestOptions({ path: '/', method: 'GET' }));
  assert.deepEqual([...taken, 'query'].sort(), names.sort());
});

test('options of any kind make objects of one kind, which undici reads fast', () => {
  const plain = new RequestOptions({ path: '/', method: 'GET', headers: { a: '1', b: undefined } });
  assert.deepEqual(plain.headers, ['a', '1', 'b', undefined]);
  const of = (options: object) => Object.keys(new RequestOptions({ path: '/', method: 'GET', ...options }));
  for (const options of [{ query: { a: 1 } }, { headers: new Map([['a', '1']]) }, { body: 'x', more: 5 }]) {
    assert.deepEqual(of(options), Object.keys(plain));
  }
});
