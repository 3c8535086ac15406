import assert from 'node:assert/strict';
import { stripTypeScriptTypes } from 'node:module';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { MUTANTS, placeOf } from './mutants.ts';

const SRC = resolve(import.meta.dirname, '../../src');

test('each mistake that the fuzzer has to find can be put back', () => {
  const misplaced = MUTANTS.flatMap((mutant) => {
    const place = placeOf(mutant, SRC);
    return typeof place === 'string' ? [`${mutant.name}: ${place}`] : [];
  });
  assert.deepEqual(misplaced, []);
});

test('each mistake that the fuzzer has to find is another one, and has a name of its own', () => {
  assert.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length);
  assert.equal(
    new Set(MUTANTS.map(({ protocol, file, find, replace }) => [protocol, file, find, replace].join())).size,
    MUTANTS.length,
  );
});

test('the code with a mistake in it is code', () => {
  const broken = MUTANTS.flatMap((mutant) => {
    const place = placeOf(mutant, SRC);
    return typeof place === 'string' || isCode(place.code) ? [] : [mutant.name];
  });
  assert.deepEqual(broken, []);
});

function isCode(text: string): boolean {
  try {
    stripTypeScriptTypes(text);
    return true;
  } catch {
    return false;
  }
}
