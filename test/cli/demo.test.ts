import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findGrpc } from '../../src/cli/demo/grpc-module.ts';
import type { Report } from '../../src/cli/demo/report.ts';
import { printed } from './printed-demo.ts';

describe('demo', { concurrency: true }, () => {
  test('after a scale-out, stock undici leaves new pods idle, and evenkeel does not', async () => {
    const [undici, evenkeel] = JSON.parse(await printed(['--json', '--seconds', '3'])) as [Report, Report];
    assert.deepEqual(undici.rates.slice(3), [0, 0, 0]);
    assert.equal(undici.newShare, 0);
    // Half of it is their share; they may have been dialled as much as a second after their start.
    assert.ok(evenkeel.newShare > 0.2 && evenkeel.newShare < 0.55, `new pods had ${evenkeel.newShare}`);
    assert.ok(evenkeel.fairness > 0.75, `fairness ${evenkeel.fairness}`);
    assert.deepEqual([undici.failed, evenkeel.failed], [0, 0]);
  });

  test('with --grpc, it says what to install where there is no grpc-js', () => {
    assert.throws(() => findGrpc(['/nowhere/package.json']), {
      message: '--grpc needs @grpc/grpc-js: npm install @grpc/grpc-js',
    });
  });

  test('without a terminal it prints a line each second, and a table in the end', async () => {
    const text = await printed(['--seconds', '2']);
    assert.ok(!text.includes('\x1b'));
    assert.match(text, /^ {2}1 s {2}undici( +\d+){3} {2}\| {2}evenkeel( +\d+){3}$/m);
    assert.match(text, /^ {2}2 s {2}undici( +\d+){6} {2}\| {2}evenkeel( +\d+){6}$/m);
    assert.match(text, /^pod 6 \(new\) .*\n\non the new pods +0\.0 % +\d+\.\d %\n/m);
  });

  test('in a terminal it draws bars over those before', async () => {
    const text = await printed(['--seconds', '2'], { isTTY: true, columns: 80 });
    const frames = text.split('\x1b[J');
    assert.equal(frames.length, 4);
    for (const frame of frames) assert.match(frame, /^240 requests\/s from each client/);
    assert.match(frames[1]!, /^pod 1 +[█▏▎▍▌▋▊▉]* *\d+ +[█▏▎▍▌▋▊▉]+ +\d+$/m);
    assert.match(frames.at(-1)!, /^failed +0 +0$/m);
  });
});
