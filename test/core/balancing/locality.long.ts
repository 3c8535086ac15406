import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  allScenes,
  type Fault,
  LONGEST_RUN,
  mean,
  play,
  SEEDS,
  scenes,
  type Victims,
} from '../../support/zones.ts';

const FAULTS: Record<Fault, string> = {
  silent: 'falls silent',
  errs: 'answers 503 at once',
  breaks: 'breaks its connections and refuses others',
};

for (const victims of ['zone', 'pod'] satisfies Victims[]) {
  for (const [fault, what] of Object.entries(FAULTS) as [Fault, string][]) {
    const name = victims === 'zone' ? 'an own zone' : 'one pod of the own zone';
    test(`${name} that ${what} fails at most twice as many as without zones, but for what nobody could know`, (t) => {
      let worst = '';
      let most = 0;
      for (const scene of allScenes()) {
        const runs = (isLocal: boolean) =>
          SEEDS.slice(0, 3).map((seed) => play(scene, isLocal, seed, fault, victims));
        const near = runs(true);
        const on = mean(near.map(({ failed }) => failed));
        const off = mean(runs(false).map(({ failed }) => failed));
        // A pod that errs is known by its first error; one that is silent, by being silent for longer than it ever was.
        const burst = victims === 'zone' ? scene.burst : Math.ceil(scene.burst / scene.size);
        const blind = mean(
          near.map(({ blind, inFlight }) =>
            fault === 'silent' ? inFlight + Math.max(burst, LONGEST_RUN) : blind,
          ),
        );
        const bar = Math.max(2 * off, blind + off);
        assert.ok(
          on <= bar,
          `${JSON.stringify(scene)}: ${on} failed, ${off} without zones, ${blind} blindly`,
        );
        const ratio = on / Math.max(off, 1);
        if (ratio <= most) continue;
        most = ratio;
        worst = `${JSON.stringify(scene)}: ${on} failed, ${off} without zones, ${blind} blindly`;
      }
      t.diagnostic(`the worst: ${worst}`);
    });
  }
}

test('an own zone that is well keeps 99 of 100 requests, at any rate, and in bursts', () => {
  for (const scene of allScenes()) {
    const near = mean(SEEDS.map((seed) => play(scene, true, seed).near));
    assert.ok(near >= 0.99, `${JSON.stringify(scene)}: ${near} stayed`);
  }
});

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
