import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../../src/core/base/clock.ts';
import { Access, NEEDED } from '../../../../src/core/discovery/kubernetes/access.ts';
import { inClusterTransport } from '../../../../src/transports/kubernetes-api/in-cluster.ts';
import { type ApiServer, startApiServer } from '../../../support/api-server.ts';

const { signal } = new AbortController();

function accessTo({ host, port, serviceAccount }: ApiServer): Access {
  return new Access(inClusterTransport({ host, port: String(port), serviceAccount }), systemClock);
}

test('rights are as the API server has them, by namespace', async (t) => {
  const api = await startApiServer(t);
  api.refuse = ({ kind, namespace }) =>
    kind === 'watch' || namespace !== 'prod' ? { status: 403 } : undefined;
  const access = accessTo(api);
  const allowed = (namespace: string) =>
    Promise.all(NEEDED.map((right) => access.allows(right, namespace, signal)));
  assert.deepEqual(await allowed('prod'), [true, false, true, true]);
  assert.deepEqual(await allowed('other'), [false, false, false, false]);
});

test('who we are is told, if we are a service account', async (t) => {
  const api = await startApiServer(t);
  const access = accessTo(api);
  assert.deepEqual(await access.account(signal), { namespace: 'prod', name: 'default' });
  api.username = 'kubernetes-admin';
  assert.equal(await access.account(signal), undefined);
});

test('an API server that does not know the token is an error, and who we are is not known', async (t) => {
  const api = await startApiServer(t);
  api.writeToken('other');
  const access = accessTo(api);
  await assert.rejects(access.allows(NEEDED[0]!, 'prod', signal), { status: 401 });
  assert.equal(await access.account(signal), undefined);
});

test('an API server that is gone is an error', async (t) => {
  const api = await startApiServer(t);
  await api.stop();
  const access = accessTo(api);
  await assert.rejects(access.allows(NEEDED[0]!, 'prod', signal), { code: 'ECONNREFUSED' });
  await assert.rejects(access.account(signal), { code: 'ECONNREFUSED' });
});
