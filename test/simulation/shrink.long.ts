import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inMacrotask } from './microtasks.ts';
import { play } from './play.ts';
import { storyOf } from './report.ts';
import { Shrinker } from './shrink.ts';
import { scenarioOf } from './themes.ts';

test('a finding is made small, and told in sixty lines', async () => {
  // Nobody may have more than this many calls: found in each scenario that has as many.
  const scenario = scenarioOf(2, 'rollouts');
  const { violation } = await inMacrotask(() => play(scenario, 0, 20));
  assert.equal(violation?.invariant, 'few calls');
  const small = await inMacrotask(() => new Shrinker(scenario, violation, 5, 20).shrink());
  assert.ok(small.happenings.length + small.discovery.length <= 2);
  const story = await inMacrotask(() => storyOf(small, 20));
  assert.ok(story.length <= 60, `${story.length} lines`);
  assert.match(story.at(-1) ?? '', /violated/);
});
