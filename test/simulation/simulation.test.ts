import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inMacrotask } from './microtasks.ts';
import { play } from './play.ts';
import { REGRESSIONS } from './regressions.ts';
import { report } from './report.ts';
import type { Scenario } from './scenario.ts';
import { scenarioOf, THEMES } from './themes.ts';

/** Scenarios of each theme: a taste of what `npm run simulate` plays. */
const EACH = 2;

for (const theme of Object.keys(THEMES)) {
  test(`nothing is wrong in scenarios about ${theme}`, async () => {
    for (let seed = 10_001; seed <= 10_000 + EACH; seed++) {
      const { violation } = await inMacrotask(() => play(scenarioOf(seed, theme)));
      assert.equal(violation, undefined, `seed ${seed}`);
    }
  });
}

test('what was wrong once is right', async () => {
  assert.ok(REGRESSIONS.length > 8);
  for (const { was, scenario } of REGRESSIONS) {
    const { violation } = await inMacrotask(() => play(scenario));
    assert.equal(violation, undefined, was);
  }
});

test('a seed has the same story each time', async () => {
  for (const theme of ['anything', 'still', 'streams', 'node:http']) {
    const tell = () => inMacrotask(() => play(scenarioOf(5, theme), Number.POSITIVE_INFINITY).story);
    const story = await tell();
    assert.ok(story.length > 100);
    assert.deepEqual(await tell(), story);
  }
});

test('what is left out of a scenario changes nothing for the rest', async () => {
  const scenario = scenarioOf(3, 'shares');
  const [load] = scenario.loads;
  const fewer: Scenario = { ...scenario, loads: [{ ...load!, without: [0] }] };
  const [all, rest] = await inMacrotask(() => [play(scenario), play(fewer)]);
  assert.equal(rest.calls, all.calls - 1);
});

test('a report says how many, how fast and how long', () => {
  const findings = { scenarios: 2, calls: 3_000, events: 9, time: 7_200_000, milliseconds: 1_500, seeds: [] };
  assert.equal(
    report(findings),
    '2 scenarios, 3000 calls, 9 events, 2.0 h of virtual time in 1.5 s: 2000 calls/s; 0 violations',
  );
});
