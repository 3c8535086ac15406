import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { median } from '../../bench/support/statistics.ts';
import { assertMeasured } from './bed/bars.ts';
import { type Bed, type BedClient, startBed } from './bed/bed.ts';

const PODS = 5;
const RATE = 500;
const ROUNDS = 3;
/** Seconds: before the drop, and while it lasts. */
const BEFORE = 4;
const DROPPED = 10;
/** So many that those that are stuck keep none from being sent. */
const AT_ONCE = 32;
/** Seconds within which a restored pod has requests again, with ejections of a second. */
const NOTICE = 20;

test('packets to one of five pods are dropped for 10 s: no GET fails, the others are as fast as ever', async (t) => {
  const bed = await startBed(t, { pods: PODS, exposed: 'headless' });
  const client = await bed.startClient('evenkeel', { outlierDetection: { baseEjectionTime: '1s' } });
  await client.steady(RATE, 2, AT_ONCE);
  const [victim] = bed.addresses;
  const ratios: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = await client.steady(RATE, BEFORE, AT_ONCE);
    bed.kubeProxy.drop(victim!);
    const dropped = await client.steady(RATE, DROPPED, AT_ONCE);
    bed.kubeProxy.restore(victim!);
    assert.deepEqual([before.failures, dropped.failures], [{}, {}]);
    const back = await secondsUntilUsed(bed, client);
    t.diagnostic(
      `p99 ${before.p99.toFixed(1)} ms, then ${dropped.p99.toFixed(1)} ms; used again within ${back} s`,
    );
    ratios.push(dropped.p99 / before.p99);
  }
  const ratio = median(ratios);
  t.diagnostic(`p99, dropped to before: ${ratio.toFixed(2)} (median of ${ROUNDS} rounds)`);
  assertMeasured(t, ratio <= 2, `p99 × ${ratio}`);
});

test('behind a ClusterIP, what is stuck on a pod whose packets are dropped is freed within seconds', async (t) => {
  const bed = await startBed(t, { pods: PODS });
  const client = await bed.startClient('evenkeel');
  await client.steady(RATE, 2, AT_ONCE);
  bed.kubeProxy.drop(bed.addresses[0]!);
  const begun = performance.now();
  const { failures, p99 } = await client.steady(RATE, DROPPED, AT_ONCE);
  const over = (performance.now() - begun) / 1_000 - DROPPED;
  t.diagnostic(`p99 ${p99.toFixed(1)} ms; the last one ended ${over.toFixed(1)} s after it was all over`);
  assert.deepEqual(failures, {});
  // A few times the seconds that it takes the kernel to try often enough: a request may meet two such sockets.
  assert.ok(over < 15, `${over} s`);
});

test('a pod that swallows dials from the start costs no request', async (t) => {
  const bed = await startBed(t, { pods: PODS, exposed: 'headless' });
  bed.kubeProxy.drop(bed.addresses[0]!);
  const client = await bed.startClient('evenkeel');
  const { failures, p99 } = await client.steady(RATE, 5, AT_ONCE);
  t.diagnostic(`p99 ${p99.toFixed(1)} ms`);
  assert.deepEqual(failures, {});
  // It is dialled for 3 s.
  assertMeasured(t, p99 < 1_000, `p99 ${p99} ms`);
});

test('a script ends by itself, though a pod swallows its dials', async (t) => {
  const bed = await startBed(t, { pods: 2, exposed: 'headless' });
  bed.kubeProxy.drop(bed.addresses[0]!);
  const script = bed.fork(new URL('./bed/script-process.ts', import.meta.url), { connectTimeout: '30s' });
  let ended = Number.NaN;
  script.once('message', () => {
    ended = performance.now();
  });
  const [code] = await once(script, 'exit');
  const heldFor = performance.now() - ended;
  t.diagnostic(`it went on for ${Math.round(heldFor)} ms`);
  assert.equal(code, 0);
  assertMeasured(t, heldFor < 5_000, `it went on for ${heldFor} ms`);
});

async function secondsUntilUsed(bed: Bed, client: BedClient): Promise<number> {
  const served = async () => (await bed.counts())[0]!.requests;
  const atFirst = await served();
  for (let seconds = 1; seconds <= NOTICE; seconds++) {
    const { failures } = await client.steady(RATE, 1, AT_ONCE);
    assert.deepEqual(failures, {});
    if ((await served()) > atFirst) return seconds;
  }
  throw new Error(`no request within ${NOTICE} s`);
}
