import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { MeshDetector } from '../../../../src/core/discovery/kubernetes/mesh.ts';
import { placeIn, WatchedClock } from './setup.ts';

function follow(t: TestContext) {
  const place = placeIn(t);
  const clock = new WatchedClock();
  const abort = new AbortController();
  t.after(() => abort.abort());
  return { place, clock, abort, meshes: new MeshDetector(place.procNet, clock).follow(abort.signal) };
}

test('no proxy listens where there is no mesh', async (t) => {
  const { place, meshes } = follow(t);
  place.listen(8080, 15_001, 4_140);
  assert.equal((await meshes.next()).value, undefined);
});

test('the proxies of Istio, a sidecar or ztunnel, and of Linkerd are known by what they listen on', async (t) => {
  for (const [mesh, ports] of [
    ['Istio', [8080, 15_000, 15_001, 15_006, 15_021, 15_090]],
    ['Istio', [15_001, 15_006, 15_008, 15_053, 15_080]],
    ['Linkerd', [4_140, 4_143, 4_191]],
  ] as const) {
    const { place, meshes } = follow(t);
    place.listen(...ports);
    assert.equal((await meshes.next()).value, mesh);
  }
});

test('listeners of both families count, and connections do not', async (t) => {
  const { place, meshes } = follow(t);
  const line = (port: string, state: string) =>
    `   0: 00000000000000000000000000000000:${port} 00000000000000000000000000000000:0000 ${state} 0 0\n`;
  writeFileSync(
    join(place.procNet, 'tcp6'),
    `  sl  local_address\n${line('3A99', '0A')}${line('3A9E', '01')}`,
  );
  assert.equal((await meshes.next()).value, undefined);

  const both = follow(t);
  writeFileSync(join(both.place.procNet, 'tcp6'), `  sl  local_address\n${line('3A99', '0A')}`);
  both.place.listen(15_006);
  assert.equal((await both.meshes.next()).value, 'Istio');
});

test('a proxy that starts later, or stops, is noticed', async (t) => {
  const { place, clock, meshes } = follow(t);
  await meshes.next();
  const next = meshes.next();
  place.listen(15_001, 15_006);
  await clock.pass(1_000);
  assert.equal((await next).value, 'Istio');
  place.listen();
  const last = meshes.next();
  await clock.pass(2_000);
  assert.equal((await last).value, undefined);
});

test('it looks ever more rarely, down to once a minute, and stops when nobody wants to know', async (t) => {
  const { clock, meshes, abort } = follow(t);
  await meshes.next();
  const next = meshes.next();
  for (const pause of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) await clock.pass(pause);
  abort.abort();
  assert.equal((await next).done, true);
  assert.equal(clock.pending, 0);
});

test('a system without such files has no mesh', async () => {
  const { signal } = new AbortController();
  const meshes = new MeshDetector('/nonexistent', new WatchedClock()).follow(signal);
  assert.equal((await meshes.next()).value, undefined);
});
