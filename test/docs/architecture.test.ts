import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { namesOf } from '../../src/core/endpoints/reasons.ts';
import { callbacksOf } from '../house/callbacks.ts';
import { sourcesIn } from '../house/imports.ts';
import { page, rowsUnder } from '../support/readme.ts';

const TEXT = page('architecture.md');
const SOURCES = join(import.meta.dirname, '../../src');
const MOST_HOPS = 10;
const MOST_WORDS = 30;

/** The walks, by what is walked: their steps. */
const walks = new Map(
  Array.from(TEXT.matchAll(/^### (.+)\n\n((?:\d+\. .*\n)+)/gm), ([, name, steps]) => [
    name!,
    steps!.trim().split('\n'),
  ]),
);

function sourceOf(file: string): string | undefined {
  const path = join(SOURCES, file);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** Whether a text has a function, a method or an accessor of that name. */
function declares(text: string, name: string): boolean {
  return new RegExp(`(^|\\s)(function )?${name.replace('#', '\\#')}(<[^>]*>)?\\(`, 'm').test(text);
}

test('there are four walks, each in ten hops at most', () => {
  assert.equal(walks.size, 4);
  for (const [name, steps] of walks) assert.ok(steps.length <= MOST_HOPS, `${name}: ${steps.length} hops`);
});

for (const [name, steps] of walks) {
  test(`the walk of "${name}" names files and functions that there are`, () => {
    for (const step of steps) {
      const [, file, method] = /^\d+\. `([^`]+)` `([^`]+)`/.exec(step) ?? assert.fail(step);
      const text = sourceOf(file!);
      assert.ok(text !== undefined, `${file} is not there`);
      assert.ok(declares(text, method!), `${file} has no ${method}`);
    }
  });
}

test('a function that there is not is noticed', () => {
  assert.ok(!declares(sourceOf('core/service.ts')!, 'dispatched'));
});

test('every file and folder that is named is there', () => {
  const named = Array.from(TEXT.matchAll(/`([a-z-]+\/[\w./-]*|\w+\.ts)`/g), ([, path]) => path!);
  const paths = named.filter((path) => !path.startsWith('test/'));
  assert.ok(paths.length > 60, `${paths.length} paths`);
  for (const path of paths) assert.ok(existsSync(join(SOURCES, path)), path);
});

test('the words are few, and in order', () => {
  const section = /^## Words\n(.*?)^## /ms.exec(TEXT)?.[1] ?? '';
  const words = Array.from(section.matchAll(/^\| (\w[\w, ]*) \|/gm), ([, word]) => word!);
  assert.ok(words.length > 20 && words.length <= MOST_WORDS, `${words.length} words`);
  assert.deepEqual(words, words.toSorted());
});

test('the interfaces by which parts are called back are those that it names', () => {
  const said = /\*\*Few callbacks\.\*\* (.*?)\n\n/s.exec(TEXT)?.[1] ?? '';
  const names = Array.from(said.matchAll(/`(\w+)`/g), ([, name]) => name!);
  assert.deepEqual(names.toSorted(), callbacksOf(sourcesIn(SOURCES), SOURCES));
});

test('each reason why a pod gets nothing is told to users', () => {
  const told = rowsUnder('Reason', page('observability.md')).map(([name]) => name);
  assert.deepEqual(
    told,
    namesOf(-1).map((name) => `\`${name}\``),
  );
});
