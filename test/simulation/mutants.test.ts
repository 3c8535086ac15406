import assert from 'node:assert/strict';
import { stripTypeScriptTypes } from 'node:module';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { placeOf } from '../fuzz/mutants.ts';
import { MUTANTS } from './mutants.ts';

const SRC = resolve(import.meta.dirname, '../../src');

test('each mistake that the simulation has to find can be planted, and is code', () => {
  const misplaced = MUTANTS.flatMap((mutant) => {
    const place = placeOf(mutant, SRC);
    if (typeof place === 'string') return [`${mutant.name}: ${place}`];
    try {
      stripTypeScriptTypes(place.code);
      return [];
    } catch (error) {
      return [`${mutant.name}: ${String(error)}`];
    }
  });
  assert.deepEqual(misplaced, []);
});

test('there are forty at least, each another one, and each with a name of its own', () => {
  assert.ok(MUTANTS.length >= 40);
  assert.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length);
  const texts = MUTANTS.map(({ file, find, replace }) => [file, find, replace].join());
  assert.equal(new Set(texts).size, MUTANTS.length);
});
