import assert from 'node:assert/strict';
import { once } from 'node:events';
import { symlinkSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { clusterResolver } from '../../../src/core/discovery/cluster.ts';
import { type Place, thisPlace } from '../../../src/core/discovery/kubernetes/place.ts';
import type { Resolution, Resolver } from '../../../src/core/discovery/resolver.ts';
import type { DiscoverySettings } from '../../../src/core/discovery/settings.ts';
import { transportFor } from '../../../src/transports/kubernetes-api/transport.ts';
import { podAt, serviceNamed, sliceOf } from '../../support/api-objects.ts';
import { startApiServer } from '../../support/api-server.ts';
import { endpointsOf, NO_SETTINGS, placeIn, Reader, text, WatchedClock } from './kubernetes/setup.ts';

const CLUSTER_IP = '10.96.0.10:80';
const POD = '10.0.0.1:8080';

const dns: Resolver = async function* (_target, signal) {
  const matchedName = 'orders.prod.svc.cluster.local';
  yield { endpoints: [{ address: '10.96.0.10', port: 80 }], source: 'dns', matchedName };
  if (!signal.aborted) await once(signal, 'abort');
};

interface Facts {
  settings?: Partial<DiscoverySettings>;
  place: Place;
}

function follow(t: TestContext, { settings, place }: Facts): Reader<Resolution> & { clock: WatchedClock } {
  const clock = new WatchedClock({ passes: 50 });
  const resolver = clusterResolver(
    dns,
    {
      discovery: 'auto',
      mesh: 'auto',
      dns: { servers: undefined, minTtl: 1_000, maxTtl: 30_000, family: 'auto', negativeHold: 30_000 },
      kubernetes: NO_SETTINGS,
      clock,
      random: () => 0.5,
      ...settings,
    },
    place,
    transportFor,
  );
  const abort = new AbortController();
  t.after(() => abort.abort());
  const target = { hostname: 'orders', port: 80, protocol: 'http:' } as const;
  return Object.assign(new Reader(resolver(target, abort.signal)), { clock });
}

async function start(t: TestContext) {
  const api = await startApiServer(t);
  api.store.putService('prod', serviceNamed('orders'));
  api.store.putSlice('prod', sliceOf('orders', 'a', [podAt('10.0.0.1')]));
  return { api, place: placeIn(t, api) };
}

test('outside of a cluster there is DNS alone', async (t) => {
  const { place } = await start(t);
  const resolutions = follow(t, { place: { ...place, apiHost: undefined } });
  assert.equal(text(await resolutions.nth(1)), CLUSTER_IP);
  assert.equal(resolutions.clock.pending, 0);
});

test('in a cluster slices follow, within a second so that not all ask at once', async (t) => {
  const { place } = await start(t);
  const resolutions = follow(t, { place });
  await resolutions.clock.pass(500);
  assert.deepEqual([await resolutions.nth(1), await resolutions.nth(2)].map(text), [CLUSTER_IP, POD]);
});

test('in a cluster without a service account there is DNS, and still an eye on meshes', async (t) => {
  const { place } = await start(t);
  place.listen(15_001, 15_006);
  const warned = once(process, 'warning');
  const resolutions = follow(t, { place: { ...place, serviceAccount: '/nonexistent' } });
  assert.equal(endpointsOf(await resolutions.nth(1)).passive, true);
  assert.equal((await warned)[0].code, 'EVENKEEL_MESH');
});

test('a token that is mounted late is noticed', async (t) => {
  for (const discovery of ['auto', 'kubernetes'] as const) {
    const { api, place } = await start(t);
    const serviceAccount = `${place.defaultKubeconfig}-late`;
    const resolutions = follow(t, {
      place: { ...place, serviceAccount },
      settings: { discovery, mesh: 'ignore' },
    });
    assert.equal(text(await resolutions.nth(1)), CLUSTER_IP);
    for (const pause of [1_000, 2_000, 4_000]) await resolutions.clock.pass(pause);
    symlinkSync(api.serviceAccount, serviceAccount);
    await resolutions.clock.pass(8_000);
    if (discovery === 'auto') await resolutions.clock.pass(500);
    assert.equal(text(await resolutions.nth(2)), POD);
  }
});

test('where a token never comes, it is looked for every half a minute', async (t) => {
  const { place } = await start(t);
  const { clock } = follow(t, {
    place: { ...place, serviceAccount: '/nonexistent' },
    settings: { mesh: 'ignore' },
  });
  for (const pause of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) await clock.pass(pause);
  await clock.asked(30_000);
  assert.equal(clock.pending, 1);
});

test('a mesh can be ignored', async (t) => {
  const { place } = await start(t);
  place.listen(15_001, 15_006);
  const resolutions = follow(t, { place, settings: { mesh: 'ignore' } });
  await resolutions.clock.pass(500);
  assert.equal(text(await resolutions.nth(2)), POD);
});

test('where Kubernetes is asked for it is asked at once, and nothing else is used', async (t) => {
  const { place } = await start(t);
  const resolutions = follow(t, { place, settings: { discovery: 'kubernetes' } });
  assert.equal(text(await resolutions.nth(1)), POD);
});

test('where Kubernetes is asked for and cannot be, that is said', async (t) => {
  const { place } = await start(t);
  const warned = once(process, 'warning');
  const resolutions = follow(t, {
    place: { ...place, apiHost: undefined },
    settings: { discovery: 'kubernetes' },
  });
  assert.equal(text(await resolutions.nth(1)), CLUSTER_IP);
  const [warning] = await warned;
  assert.equal(warning.code, 'EVENKEEL_KUBERNETES_UNREACHABLE');
});

test('the kubeconfig of the option comes first, then the cluster, then KUBECONFIG, then, if wanted, the default', async (t) => {
  const { api, place } = await start(t);
  const config = {
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'c', user: 'u' } }],
    users: [{ name: 'u', user: { token: 'of-the-kubeconfig' } }],
    clusters: [
      {
        name: 'c',
        cluster: {
          server: `https://${api.host}:${api.port}`,
          'certificate-authority': `${api.serviceAccount}/ca.crt`,
        },
      },
    ],
  };
  writeFileSync(place.defaultKubeconfig, JSON.stringify(config));
  const kubeconfig = place.defaultKubeconfig;
  const outside = { ...place, apiHost: undefined };
  const tokens: (string | undefined)[] = [];
  const ways = [
    [{ kubernetes: { ...NO_SETTINGS, kubeconfig } }, place],
    [{}, { ...place, kubeconfig }],
    [{}, { ...outside, kubeconfig }],
    [{ discovery: 'kubernetes' }, outside],
  ] as const;
  for (const [index, [settings, where]] of ways.entries()) {
    const { clock } = follow(t, { settings: { ...settings, mesh: 'ignore' }, place: where });
    if (!('discovery' in settings)) await clock.pass(500);
    tokens.push((await api.received('list', index + 1)).token);
  }
  assert.deepEqual(tokens, ['of-the-kubeconfig', 'first-token', 'of-the-kubeconfig', 'of-the-kubeconfig']);
});

test('variables of the process tell where the API is', () => {
  const place = thisPlace({
    KUBERNETES_SERVICE_HOST: '10.96.0.1',
    KUBERNETES_SERVICE_PORT: '6443',
    KUBECONFIG: '',
  });
  assert.equal(place.apiHost, '10.96.0.1');
  assert.equal(place.apiPort, '6443');
  assert.equal(place.kubeconfig, undefined);
  assert.equal(thisPlace({ KUBECONFIG: '/a:/b' }).kubeconfig, '/a:/b');
  assert.equal(thisPlace({}).apiHost, undefined);
});
