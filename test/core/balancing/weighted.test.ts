import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LeastRequest } from '../../../src/core/balancing/least-request.ts';
import type { Candidate, Picker } from '../../../src/core/balancing/picker.ts';
import { RoundRobin } from '../../../src/core/balancing/round-robin.ts';
import { Turns, Weighted } from '../../../src/core/balancing/weighted.ts';
import { seededRandom } from '../../support/random.ts';

class Pod implements Candidate {
  weight: number;
  load = 0;
  slot: unknown = undefined;
  served = 0;

  constructor(weight: number) {
    this.weight = weight;
  }
}

const policies = {
  'least-request': (turns = new Turns()) => new Weighted<Pod>(turns, 'load', () => new LeastRequest()),
  'round-robin': (turns = new Turns()) => new Weighted<Pod>(turns, 'turn', () => new RoundRobin()),
};

function serve(picker: Picker<Pod>): Pod {
  const pod = picker.pick()!;
  picker.used(pod);
  pod.load++;
  pod.served++;
  picker.update(pod);
  return pod;
}

function finish(picker: Picker<Pod>, pod: Pod): void {
  pod.load--;
  picker.update(pod);
}

/** Serves requests, of which `concurrency` are in flight; which ends next is chance. */
function run(picker: Picker<Pod>, requests: number, concurrency: number, random = seededRandom(1)): void {
  const inFlight = Array.from({ length: concurrency - 1 }, () => serve(picker));
  for (let n = inFlight.length; n < requests; n++) {
    inFlight.push(serve(picker));
    const [ended] = inFlight.splice(Math.floor(random() * inFlight.length), 1);
    finish(picker, ended!);
  }
  for (const pod of inFlight) finish(picker, pod);
}

function startPods(picker: Picker<Pod>, weights: readonly number[]): Pod[] {
  const pods = weights.map((weight) => new Pod(weight));
  for (const pod of pods) picker.add(pod);
  return pods;
}

function assertShares(pods: readonly Pod[], tolerance: number): void {
  const requests = pods.reduce((sum, { served }) => sum + served, 0);
  const total = pods.reduce((sum, { weight }) => sum + weight, 0);
  for (const { served, weight } of pods) {
    const fair = (requests * weight) / total;
    const shares = pods.map((pod) => pod.served).join(' ');
    assert.ok(
      Math.abs(served - fair) <= fair * tolerance + 2,
      `weight ${weight}: ${fair} due, have ${shares}`,
    );
  }
}

for (const [policy, create] of Object.entries(policies)) {
  for (const weights of [
    [1, 1, 1, 1],
    [1, 2, 3, 4],
    [10, 60, 30],
    [0.01, 1, 1, 1, 1],
    [0.1, 0.35, 1, 1],
  ]) {
    test(`${policy}: weights ${weights.join(', ')} are the shares of an idle system`, () => {
      const picker = create();
      const pods = startPods(picker, weights);
      run(picker, 20_000, 1);
      assertShares(pods, 0.01);
    });
  }

  test(`${policy}: turns are spread: in any hundred, nobody is more than two off its share`, () => {
    const picker = create();
    const pods = startPods(picker, [1, 1, 2, 6]);
    for (let hundred = 0; hundred < 50; hundred++) {
      for (const pod of pods) pod.served = 0;
      run(picker, 100, 1);
      assertShares(pods, 0);
    }
  });

  test(`${policy}: one that is lighter by far has its turn in the end, and never two in a row`, () => {
    const picker = create();
    const [light] = startPods(picker, [0.01, 1, 1]) as [Pod, Pod, Pod];
    let last: Pod | undefined;
    for (let n = 0; n < 2_000; n++) {
      const pod = serve(picker);
      finish(picker, pod);
      assert.ok(pod !== light || last !== light);
      last = pod;
    }
    assert.ok(light.served >= 9 && light.served <= 11, String(light.served));
  });

  test(`${policy}: a weight that grows in steps is served in proportion all along`, () => {
    const picker = create();
    const [young, ...others] = startPods(picker, [0.1, 1, 1, 1, 1]) as [Pod, ...Pod[]];
    let due = 0;
    // Few requests a step: fewer than it takes until the turn of a light one comes.
    for (let step = 2; step <= 20; step++) {
      run(picker, 15, 1);
      due += (15 * young.weight) / (young.weight + others.length);
      young.weight = step / 20;
      picker.update(young);
    }
    assert.ok(Math.abs(young.served - due) <= 3, `${young.served} of ${due}`);
  });

  test(`${policy}: what is removed isn’t picked, and missed turns don’t add up`, () => {
    const picker = create();
    const pods = startPods(picker, [1, 2, 1]) as [Pod, Pod, Pod];
    run(picker, 100, 1);
    picker.remove(pods[1]);
    const before = pods[1].served;
    run(picker, 1_000, 1);
    assert.equal(pods[1].served, before);
    picker.add(pods[1]);
    for (const pod of pods) pod.served = 0;
    run(picker, 400, 1);
    assert.ok(Math.abs(pods[1].served - 200) <= 3, String(pods[1].served));
  });

  test(`${policy}: shares hold where candidates move between pickers`, () => {
    const turns = new Turns();
    const [free, full] = [create(turns), create(turns)];
    const pods = startPods(free, [1, 2, 4]);
    for (let n = 0; n < 7_000; n++) {
      const pod = free.pick()!;
      free.used(pod);
      pod.load++;
      pod.served++;
      free.remove(pod);
      full.add(pod);
      assert.equal(full.pick(), pod);
      pod.load--;
      full.remove(pod);
      free.add(pod);
    }
    assert.equal(full.pick(), undefined);
    assertShares(pods, 0.01);
  });
}

test('least-request: shares come close to weights under load, when it is chance which request ends', () => {
  for (const concurrency of [2, 8, 30]) {
    const picker = policies['least-request']();
    const pods = startPods(picker, [1, 1, 2, 4]);
    run(picker, 40_000, concurrency);
    // Requests come whole: of two in flight, none can be on a pod in the proportion of its weight.
    assertShares(pods, 0.15);
  }
});

test('least-request: of two loads for a weight, the lesser one is served', () => {
  const picker = policies['least-request']();
  const [light, heavy] = startPods(picker, [1, 3]) as [Pod, Pod];
  light.load = 2;
  heavy.load = 5;
  picker.update(light);
  picker.update(heavy);
  assert.equal(picker.pick(), heavy);
  heavy.load = 9;
  picker.update(heavy);
  assert.equal(picker.pick(), light);
  assert.ok(picker.before(light, heavy));
});

test('least-request: one that hangs isn’t served for having waited', () => {
  const picker = policies['least-request']();
  const [hung] = startPods(picker, [1, 2, 2]) as [Pod, Pod, Pod];
  for (let n = 0; n < 1_000; n++) {
    const pod = serve(picker);
    if (pod !== hung) finish(picker, pod);
  }
  assert.equal(hung.served, 1);
});

test('round-robin: of pods that were never connected, each is dialled in its turn', () => {
  const turns = new Turns();
  const [unproven, full] = [policies['round-robin'](turns), policies['round-robin'](turns)];
  const pods = startPods(unproven, [1, 1, 1, 2, 2]);
  for (let dial = 0; dial < 14; dial++) {
    const pod = unproven.pick()!;
    full.used(pod);
    pod.served++;
    unproven.update(pod);
  }
  assert.deepEqual(
    pods.map(({ served }) => served),
    [2, 2, 2, 4, 4],
  );
});
