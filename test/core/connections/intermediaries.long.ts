import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { MemoryClusterIp, type Naming, nameless, type Seen } from '../../support/memory-cluster-ip.ts';
import type { MemoryWire } from '../../support/memory-transport.ts';
import { seededRandom } from '../../support/random.ts';

const RATE = 100;
const HALF = 5;

for (const multiplexes of [false, true]) {
  describe(`between evenkeel and pods that name themselves, ${multiplexes ? 'h2' : 'h1'}`, () => {
    /** The same for each of them: all that is drawn, is drawn from one seed. */
    let withoutNames: Promise<Seen> | undefined;

    for (const [what, naming] of Object.entries(intermediaries())) {
      test(`${what}: as balanced as without names`, async (t) => {
        const seen = await aMinuteLater(t, naming, multiplexes);
        withoutNames ??= aMinuteLater(t, nameless, multiplexes);
        const expected = await withoutNames;
        assert.ok(seen.jain > expected.jain - 0.1, `${seen.jain} with names, ${expected.jain} without`);
        assert.ok(seen.dials <= 2, `${seen.dials}`);
        assert.equal(seen.failures + seen.waits, 0);
      });
    }
  });
}

/** What a service had in a minute, when it had had requests for a minute. */
async function aMinuteLater(t: TestContext, naming: Naming, multiplexes: boolean): Promise<Seen> {
  const clusterIp = new MemoryClusterIp(t, { naming, multiplexes });
  await clusterIp.run(RATE, 60);
  return clusterIp.run(RATE, 60);
}

/** What names may be that are not those of pods. */
function intermediaries(): Record<string, Naming> {
  const random = seededRandom(7);
  const own = named((n) => `pod-${n}`);
  let connections = 0;
  return {
    'a proxy that names itself': named(() => 'envoy'),
    'a proxy that strips names': nameless,
    'an ingress that multiplexes, so that names change on a connection': () => ({
      'evenkeel-pod': `pod-${Math.floor(random() * 10)}`,
    }),
    'an ingress that multiplexes, of pods that name themselves once for each of its connections': () =>
      random() < 0.01 ? { 'evenkeel-pod': `pod-${Math.floor(random() * 10)}` } : {},
    'a pod that has another name for each connection': named((n) =>
      n === 0 ? `pod-${++connections}x` : `pod-${n}`,
    ),
    'a pod that has another name in each response': (n, wire, call) =>
      n === 0 ? { 'evenkeel-pod': `pod-${++connections}x` } : own(n, wire, call),
    'a pod that passes on the names of those behind it': (n, wire, call) =>
      n === 0 ? { 'evenkeel-pod': `back-${Math.floor(random() * 3)}` } : own(n, wire, call),
    'half of the pods with a name from their image, the others with their own': named((n) =>
      n < HALF ? 'image' : `pod-${n}`,
    ),
    'half of the pods with a name from their image, the others with none': (n, wire) =>
      n < HALF && wire.sent === 1 ? { 'evenkeel-pod': 'image' } : {},
    'a cache that answers half of the requests with a name of its past': (n, wire, call) =>
      random() < 0.5 ? { 'evenkeel-pod': 'pod-3' } : own(n, wire, call),
    'a cache that answers a tenth of the requests with a name of its past': (n, wire, call) =>
      random() < 0.1 ? { 'evenkeel-pod': 'pod-3' } : own(n, wire, call),
    'names that several pods share': named((n) => (n < HALF ? 'blue' : 'green')),
    'names that few and many pods share': named((n) => (n < 2 ? 'blue' : 'green')),
  };
}

/** A name with the first response of a connection. */
function named(nameOf: (n: number, wire: MemoryWire) => string): Naming {
  return (n, wire) => (wire.sent === 1 ? { 'evenkeel-pod': nameOf(n, wire) } : {});
}
