import assert from 'node:assert/strict';
import { test } from 'node:test';
import { get, startAgent } from '../support/agent.ts';
import { startPods } from '../support/pods.ts';
import { startAdmin, visit, watch } from './visiting.ts';

const CANARY = 'cAnArY';

test('no answer of the page has what callers sent, or a secret of the settings', async (t) => {
  const { port } = await startAdmin(t);
  const pods = await startPods(t, 3);
  for (const pod of pods.slice(1)) pod.respond = ({ socket }) => void socket.destroy();
  const agent = startAgent(t, pods, {
    healthCheck: { path: `/healthz?token=${CANARY}` },
    tls: { key: CANARY, passphrase: CANARY, cert: CANARY },
    connect: { timeout: 5_000, passphrase: CANARY, pfx: CANARY },
    kubernetes: { namespace: 'prod' },
    endpointTimeout: 500,
  });
  await visit(port, '/metrics');
  const told = watch(t, port);
  const said = [JSON.stringify((await told.next()).value)];
  const headers = { authorization: `Bearer ${CANARY}`, cookie: CANARY, 'x-api-key': CANARY };
  const call = (origin: string) =>
    agent
      .request({ origin, path: `/${CANARY}?token=${CANARY}`, method: 'GET', headers })
      .then(({ body }) => body.dump())
      .catch(() => {});
  // Calls that wait for too long, in a process that stands still, are no failures of a pod.
  while (!said.some((text) => text.includes('endpoint:eject'))) {
    await Promise.all(Array.from({ length: 40 }, () => call(`http://user:${CANARY}@orders.prod`)));
    await get(agent).catch(() => {});
    said.push(JSON.stringify((await told.next()).value));
  }
  said.push(JSON.stringify((await told.next()).value));
  for (const path of ['/', '/stats', '/metrics', '/metrics?byEndpoint=true']) {
    said.push((await visit(port, path)).text);
  }
  for (const text of said) assert.ok(!text.includes(CANARY), text);
});
