import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Haste } from '../../../src/core/connections/haste.ts';

test('two connections that end just after one of their first responses show haste, if few requests come in between', () => {
  const haste = new Haste();
  haste.onEnd(1, 1, 10);
  assert.ok(!haste.isKnown);
  haste.onEnd(1, 1, 60);
  assert.ok(!haste.isKnown);
  haste.onEnd(8, 2, 109);
  assert.ok(haste.isKnown);
});

for (const [what, idle, responses] of [
  ['have carried more', 1, 5],
  ['were idle for longer', 30, 1],
] as const) {
  test(`connections that ${what} show none`, () => {
    const haste = new Haste();
    for (let n = 0; n < 10; n++) haste.onEnd(idle, responses, n);
    assert.ok(!haste.isKnown);
  });
}

test('haste is over when eight connections in a row outlive their rest', () => {
  const haste = new Haste();
  for (let n = 0; n < 2; n++) haste.onEnd(1, 1, n);
  for (let n = 0; n < 7; n++) haste.onOutlived();
  haste.onEnd(1, 1, 2);
  for (let n = 0; n < 7; n++) haste.onOutlived();
  assert.ok(haste.isKnown);
  haste.onOutlived();
  assert.ok(!haste.isKnown);
});
