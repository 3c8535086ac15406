import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LeastRequest } from '../../../src/core/balancing/least-request.ts';
import type { Candidate, PickerFactory } from '../../../src/core/balancing/picker.ts';
import { RoundRobin } from '../../../src/core/balancing/round-robin.ts';
import { seededRandom } from '../../support/random.ts';

class Pod implements Candidate {
  readonly name: string;
  readonly weight = 1;
  load = 0;
  slot: unknown = undefined;
  served = 0;

  constructor(name: string) {
    this.name = name;
  }
}

const policies: Record<string, PickerFactory> = {
  'least-request': () => new LeastRequest(),
  'round-robin': () => new RoundRobin(),
};

const startPods = (count: number) => Array.from({ length: count }, (_, n) => new Pod(`pod-${n}`));

for (const [policy, create] of Object.entries(policies)) {
  test(`${policy}: an empty set has no pick`, () => {
    assert.equal(create<Pod>().pick(), undefined);
  });

  test(`${policy}: an idle system is served in turn`, () => {
    const picker = create<Pod>();
    const pods = startPods(4);
    for (const pod of pods) picker.add(pod);
    const order = Array.from({ length: 8 }, () => {
      const pod = picker.pick()!;
      serve(picker, pod);
      finish(picker, pod);
      return pod.name;
    });
    assert.deepEqual(order.slice(0, 4).sort(), ['pod-0', 'pod-1', 'pod-2', 'pod-3']);
    assert.deepEqual(order.slice(4), order.slice(0, 4));
  });

  test(`${policy}: what is removed is never picked, and comes back when it is added`, () => {
    const picker = create<Pod>();
    const pods = startPods(3);
    for (const pod of pods) picker.add(pod);
    picker.remove(pods[1]!);
    for (let n = 0; n < 30; n++) {
      const pod = picker.pick()!;
      assert.notEqual(pod, pods[1]);
      serve(picker, pod);
      finish(picker, pod);
    }
    picker.add(pods[1]!);
    const seen = new Set<Pod>();
    for (let n = 0; n < 3; n++) {
      const pod = picker.pick()!;
      seen.add(pod);
      serve(picker, pod);
      finish(picker, pod);
    }
    assert.equal(seen.size, 3);
  });

  test(`${policy}: a new candidate gets its share and no more`, () => {
    const picker = create<Pod>();
    const pods = startPods(3);
    for (const pod of pods) picker.add(pod);
    for (let n = 0; n < 3_000; n++) {
      const pod = picker.pick()!;
      serve(picker, pod);
      finish(picker, pod);
    }
    const newcomer = new Pod('newcomer');
    picker.add(newcomer);
    for (let n = 0; n < 400; n++) {
      const pod = picker.pick()!;
      serve(picker, pod);
      finish(picker, pod);
    }
    // A new one may be first, and then has one turn in four.
    assert.ok(Math.abs(newcomer.served - 100) <= 1, String(newcomer.served));
  });
}

test('least-request picks the least loaded of any, exactly, in 100,000 steps of random load', () => {
  const random = seededRandom(7);
  const picker = new LeastRequest<Pod>();
  const pods = startPods(50);
  const inside = new Set<Pod>(pods);
  for (const pod of pods) picker.add(pod);
  for (let step = 0; step < 100_000; step++) {
    const pod = pods[Math.floor(random() * pods.length)]!;
    const action = random();
    if (action < 0.1) {
      if (inside.delete(pod)) picker.remove(pod);
      else {
        inside.add(pod);
        picker.add(pod);
      }
    } else {
      pod.load = action < 0.55 ? pod.load + 1 : Math.max(0, pod.load - 1);
      if (inside.has(pod)) picker.update(pod);
    }
    const picked = picker.pick();
    let least = Number.POSITIVE_INFINITY;
    for (const { load } of inside) least = Math.min(least, load);
    assert.equal(picked?.load ?? Number.POSITIVE_INFINITY, least);
  }
});

test('least-request takes loads past its buckets for equal', () => {
  const picker = new LeastRequest<Pod>();
  const [a, b] = startPods(2) as [Pod, Pod];
  a.load = 5_000;
  b.load = 1_022;
  picker.add(a);
  picker.add(b);
  assert.equal(picker.pick(), b);
  b.load = 9_000;
  picker.update(b);
  assert.equal(picker.pick(), a);
});

test('least-request: one of two pods that hangs doesn’t starve the other', () => {
  const picker = new LeastRequest<Pod>();
  const [healthy, hung] = startPods(2) as [Pod, Pod];
  picker.add(healthy);
  picker.add(hung);
  for (let n = 0; n < 1_000; n++) {
    const pod = picker.pick()!;
    serve(picker, pod);
    if (pod === healthy) finish(picker, pod);
  }
  assert.equal(hung.served, 1);
});

test('round-robin: one that was out when its turn came is next when it is back, once', () => {
  const picker = new RoundRobin<Pod>();
  const pods = startPods(3) as [Pod, Pod, Pod];
  for (const pod of pods) picker.add(pod);
  for (const pod of pods) serve(picker, pod);
  picker.remove(pods[0]);
  for (let n = 0; n < 10; n++) serve(picker, picker.pick()!);
  picker.add(pods[0]);
  assert.equal(picker.pick(), pods[0]);
  serve(picker, pods[0]);
  assert.notEqual(picker.pick(), pods[0]);
});

function serve(picker: ReturnType<PickerFactory>, pod: Pod): void {
  picker.used(pod);
  pod.load++;
  pod.served++;
  picker.update(pod);
}

function finish(picker: ReturnType<PickerFactory>, pod: Pod): void {
  pod.load--;
  picker.update(pod);
}
