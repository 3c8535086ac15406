import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allScenes, LONGEST_RUN, mean, play, SEEDS, scenes } from '../../support/zones.ts';

test('an own zone that falls silent fails at most twice as many requests as without zones', () => {
  for (const scene of scenes()) {
    const failed = (isLocal: boolean) =>
      mean(SEEDS.map((seed) => play(scene, isLocal, seed, 'silent').failed));
    const [on, off] = [failed(true), failed(false)];
    // What is in flight in that moment, a Poisson number, is lost before anything can be known, and so is the run after it.
    const inFlight = (scene.rate * scene.takes) / 1_000;
    const chance = 3 * Math.sqrt(inFlight / SEEDS.length);
    const bar = Math.max(2 * off, inFlight + Math.max(scene.burst, LONGEST_RUN)) + chance;
    assert.ok(on <= bar, `${JSON.stringify(scene)}: ${on} failed, ${off} without zones`);
  }
});

test('an own zone that is well keeps 99 of 100 requests, at any rate, and in bursts', () => {
  for (const scene of allScenes()) {
    const near = mean(SEEDS.map((seed) => play(scene, true, seed).near));
    assert.ok(near >= 0.99, `${JSON.stringify(scene)}: ${near} stayed`);
  }
});
