import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineSplitter } from '../../../../src/core/discovery/kubernetes/lines.ts';

test('lines come whole, wherever the stream is cut', () => {
  const text = '{"a":1}\n{"name":"höher"}\n\n{"b":2}\n';
  const bytes = Buffer.from(text);
  for (let size = 1; size <= bytes.length; size++) {
    const splitter = new LineSplitter();
    const lines: string[] = [];
    for (let at = 0; at < bytes.length; at += size)
      lines.push(...splitter.push(bytes.subarray(at, at + size)));
    assert.deepEqual(lines, ['{"a":1}', '{"name":"höher"}', '', '{"b":2}']);
    assert.equal(splitter.cut, false);
  }
});

test('a line without an end is known to be cut', () => {
  const splitter = new LineSplitter();
  assert.deepEqual(splitter.push(Buffer.from('{"a":1}\n{"b"')), ['{"a":1}']);
  assert.equal(splitter.cut, true);
  assert.deepEqual(splitter.push(Buffer.from(':2}\n')), ['{"b":2}']);
  assert.equal(splitter.cut, false);
});
