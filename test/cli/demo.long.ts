import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { Report } from '../../src/cli/demo/report.ts';
import { run } from '../support/versions.ts';
import { printed } from './printed-demo.ts';

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname;

describe('demo, at length', { concurrency: true }, () => {
  test('with --grpc, round_robin of grpc-js leaves new pods idle, and evenkeel does not', async () => {
    const [roundRobin, evenkeel] = JSON.parse(await printed(['--grpc', '--json', '--seconds', '3'])) as [
      Report,
      Report,
    ];
    assert.deepEqual(roundRobin.rates.slice(3), [0, 0, 0]);
    assert.ok(evenkeel.newShare > 0.2 && evenkeel.newShare < 0.55, `new pods had ${evenkeel.newShare}`);
    assert.ok(evenkeel.fairness > 0.75, `fairness ${evenkeel.fairness}`);
    assert.deepEqual([roundRobin.failed, evenkeel.failed], [0, 0]);
  });

  test('in a narrow terminal bars are shorter, and no line is longer than it is wide', async () => {
    const columns = 60;
    const text = await printed(['--seconds', '2'], { isTTY: true, columns });
    const frames = text.split('\x1b[J');
    assert.equal(frames.length, 4);
    assert.match(frames[1]!, /^pod 1 +[█▏▎▍▌▋▊▉]* *\d+ +[█▏▎▍▌▋▊▉]+ +\d+$/m);
    for (const line of stripVTControlCharacters(text).split('\n')) assert.ok(line.length <= columns, line);
  });

  test('the command ends by itself', async () => {
    const { code, stdout, stderr } = await run(process.execPath, [MAIN, 'demo', '--seconds', '2']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^failed +0 +0$/m);
  });

  test('with --page, what evenkeel does is on the live page as long as it lasts', async () => {
    const ended = printed(['--page', '--seconds', '3']);
    let services: Record<string, { endpoints: object[] }> = {};
    while (services['http://orders.prod'] === undefined) {
      const answer = await fetch('http://127.0.0.1:9909/stats').catch(() => undefined);
      services = ((await answer?.json()) as { services: typeof services } | undefined)?.services ?? {};
    }
    assert.ok(services['http://orders.prod'].endpoints.length >= 3);
    assert.match(await ended, /^The live page is at http:\/\/127\.0\.0\.1:9909\/ for 3 s\.\n/);
  });
});
