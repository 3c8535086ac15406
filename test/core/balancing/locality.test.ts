import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LeastRequest } from '../../../src/core/balancing/least-request.ts';
import { Locality, type Located } from '../../../src/core/balancing/locality.ts';
import { LocalityPicker } from '../../../src/core/balancing/locality-picker.ts';

test('a pod that lags does so until it serves, however many others are given before they do', () => {
  const locality = new Locality('zone', { zone: 'a' }, () => 0);
  const picker = new LocalityPicker<Located & { load: number; inFlight: number; slot: unknown }>(
    locality,
    () => new LeastRequest(),
    true,
  );
  const zones = ['a', 'a', 'b', 'c'];
  locality.update(
    zones.map((zone, n) => ({ address: `10.0.0.${n}`, port: 80, zone })),
    undefined,
  );
  const pods = zones.map((zone) => ({
    level: locality.levelOf({ zone }),
    load: 0,
    inFlight: 0,
    weight: 1,
    slot: undefined as unknown,
    unanswered: 0,
    lagging: false,
  }));
  for (const pod of pods) picker.add(pod);
  locality.weigh(pods);
  const count = (pod: (typeof pods)[number], by: 1 | -1) => {
    pod.load += by;
    pod.inFlight += by;
  };
  const give = () => {
    const pod = picker.pick()!;
    picker.used(pod);
    count(pod, 1);
    pod.unanswered++;
    picker.update(pod);
    return pod;
  };
  const serve = (pod: (typeof pods)[number]) => {
    locality.served(pod);
    pod.unanswered = 0;
    count(pod, -1);
    picker.update(pod);
  };
  // The first one says nothing from now on.
  const [silent] = pods;
  while (!silent!.lagging) for (const pod of [give(), give(), give()]) if (pod !== silent) serve(pod);
  const { unanswered } = silent!;
  for (let size = 1; size < 40; size++) {
    const given = Array.from({ length: size }, give);
    for (const pod of given) if (pod !== silent) serve(pod);
    // As when one of its requests is given up, and is held against it.
    picker.update(silent!);
  }
  assert.ok(silent!.lagging);
  assert.ok(silent!.unanswered <= unanswered + 1, `${silent!.unanswered - unanswered} more`);
  while (silent!.inFlight > 0) serve(silent!);
  assert.ok(!silent!.lagging);
  assert.ok(Array.from({ length: 4 }, give).includes(silent!));
});
