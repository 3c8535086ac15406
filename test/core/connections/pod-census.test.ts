import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PodCensus } from '../../../src/core/connections/pod-census.ts';
import { seededRandom } from '../../support/random.ts';

/** Names that dials lead to, each of them drawn by `draw` with a random number from 0 to below 1. */
function census(dials: number, draw: (random: number, n: number) => string | null, seed = 1) {
  const taken = new PodCensus();
  const random = seededRandom(seed);
  const names = new Set<string>();
  for (let n = 0; n < dials; n++) {
    const name = draw(random(), n);
    taken.add(name);
    if (name !== null) names.add(name);
  }
  return { taken, names };
}

const oneOf = (pods: number) => (random: number) => `pod-${Math.floor(random * pods)}`;

test('dials tell how many of the pods have no name', () => {
  const { taken } = census(200, (random) => (random < 0.3 ? null : 'pod-1'));
  assert.ok(Math.abs(taken.nameless - 0.3) < 0.1, `${taken.nameless}`);
  assert.equal(new PodCensus().nameless, 0);
});

test('a pod to which no dial has led for long has left', () => {
  const { taken } = census(100, oneOf(4));
  assert.equal(taken.isSeen('pod-1', 4), true);
  for (let n = 0; n < 24; n++) taken.add(`pod-${(n % 3) + 2}`);
  assert.equal(taken.isSeen('pod-1', 4), false);
  // Where as many pods have no name, dials lead half as often to those that have one.
  for (let n = 0; n < 24; n++) taken.add(null);
  assert.equal(taken.isSeen('pod-4', 4), true);
});

describe('names are plausible', () => {
  for (const pods of [2, 3, 10, 40]) {
    test(`of ${pods} pods, however many dials there were`, () => {
      for (let seed = 1; seed <= 40; seed++) {
        for (const dials of [1, 5, 20, 60, 200, 400]) {
          const { taken, names } = census(dials, oneOf(pods), seed);
          assert.equal(taken.isPlausible(names), true, `${dials} dials, seed ${seed}`);
        }
      }
    });
  }

  test('when 3 pods become 10, and when all are replaced', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const { taken } = census(60, oneOf(3), seed);
      const random = seededRandom(seed);
      const names = new Set(['pod-0', 'pod-1', 'pod-2']);
      for (let n = 0; n < 200; n++) {
        const name = oneOf(10)(random());
        taken.add(name);
        assert.equal(taken.isPlausible(names.add(name)), true, `dial ${n}, seed ${seed}`);
      }
      const others = new Set<string>();
      for (let n = 0; n < 200; n++) {
        const name = `new-${oneOf(10)(random())}`;
        taken.add(name);
        assert.equal(taken.isPlausible(others.add(name)), true, `dial ${n} of the new ones, seed ${seed}`);
      }
    }
  });
});

describe('names are not plausible', () => {
  for (const pods of [2, 3, 10, 16]) {
    test(`where one of ${pods} pods has another one for each connection`, () => {
      for (let seed = 1; seed <= 10; seed++) {
        const forged = (random: number, n: number) =>
          random < 1 / pods ? `forged-${n}` : oneOf(pods)(random);
        const { taken, names } = census(256, forged, seed);
        assert.equal(taken.isPlausible(names), false, `seed ${seed}`);
      }
    });
  }

  test('where one stands for two pods, and one for eight', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { taken, names } = census(200, (random) => (random < 0.2 ? 'blue' : 'green'), seed);
      assert.equal(taken.isPlausible(names), false, `seed ${seed}`);
    }
  });
});
