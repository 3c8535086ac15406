import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { optionsOf, RequestOptions } from '../../../src/transports/undici/request-options.ts';

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

test('each option of a request is kept, be it one of the usual ones or not', () => {
  const usual = { path: '/', method: 'GET' as const, body: 'x', headers: { a: '1' } };
  const names = Object.keys(new RequestOptions(usual)).filter((name) => !(name in usual));
  assert.ok(names.length > 5);
  for (const name of names) {
    // No value is right for all of them, and they are checked later.
    const kept = optionsOf({ ...usual, [name]: 'its value' });
    assert.deepEqual({ ...kept }, { ...new RequestOptions({ ...usual, [name]: 'its value' }) });
    assert.equal((kept as unknown as Record<string, unknown>)[name], 'its value');
  }
});

test('a request that uses the usual options only takes no memory for the others', () => {
  const usual = { path: '/', method: 'GET' as const, body: 'x', headers: { a: '1' } };
  for (const more of [{}, { upgrade: undefined, maxRedirections: 0 }] as object[]) {
    assert.deepEqual(
      { ...optionsOf({ ...usual, ...more }) },
      { path: '/', method: 'GET', body: 'x', headers: ['a', '1'] },
    );
  }
});

test('each option is read once, as undici does: what a getter says first is what counts', () => {
  for (const more of [{}, { reset: true }, { query: { a: 1 } }]) {
    const reads: string[] = [];
    const watched = new Proxy(
      { path: '/', method: 'GET' as const, ...more },
      {
        get: (options, name) => {
          reads.push(String(name));
          return Reflect.get(options, name) as unknown;
        },
      },
    );
    optionsOf(watched);
    assert.deepEqual(reads, [...new Set(reads)]);
  }
});
