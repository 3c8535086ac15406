import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { doctor } from '../../src/cli/doctor.ts';
import { resolveSettings } from '../../src/config/resolve-settings.ts';
import { channels } from '../../src/core/base/channels.ts';
import { resolverFor } from '../../src/transports/resolver-for.ts';
import type { BalancedAgent } from '../../src/transports/undici/agent.ts';
import { placeIn } from '../core/discovery/kubernetes/setup.ts';
import { startAgent } from '../support/agent.ts';
import { podAt, serviceNamed, sliceOf } from '../support/api-objects.ts';
import { startApiServer } from '../support/api-server.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { startPods } from '../support/pods.ts';

const CANARY = 'cAnArY';

/** All that evenkeel says while a test runs: warnings, messages on its channels, and what a test hands in. */
class Said {
  readonly #texts: string[] = [];

  constructor(t: TestContext) {
    const hear = (warning: unknown) => this.add('warning', warning);
    process.on('warning', hear);
    t.after(() => process.off('warning', hear));
    for (const { name } of Object.values(channels)) {
      const listen = (message: unknown) => this.add(String(name), message);
      subscribe(name, listen);
      t.after(() => unsubscribe(name, listen));
    }
  }

  /** Takes down what a person, a log or a debugger would show of a value. */
  add(what: string, value: unknown): void {
    const shown = typeof value === 'string' ? value : inspect(value, { depth: 6, showHidden: false });
    const stack = value instanceof Error ? `${value.stack} ${inspect(value.cause)}` : '';
    this.#texts.push(`${what}: ${shown} ${stack} ${JSON.stringify(value) ?? ''}`);
  }

  count(what: string): number {
    return this.#texts.filter((text) => text.startsWith(`${what}: `)).length;
  }

  holdsNoSecret(): void {
    for (const text of this.#texts) assert.ok(!text.includes(CANARY), text);
  }
}

/** What an app would see of its requests: errors and stats, but not what it asked for itself. */
async function call(agent: BalancedAgent, said: Said, origin: string): Promise<void> {
  const headers = {
    authorization: `Bearer ${CANARY}-authorization`,
    cookie: `session=${CANARY}-cookie`,
    'x-api-key': `${CANARY}-key`,
  };
  const options = { origin, path: `/orders?token=${CANARY}-query`, method: 'GET', headers } as const;
  const outcome = await agent.request(options).then(
    ({ body }) => body.dump(),
    (error: unknown) => error,
  );
  if (outcome instanceof Error) said.add('error', outcome);
  said.add('stats', agent.stats);
}

test('nothing that is said of requests that fail and are sent again has their headers or queries', async (t) => {
  const said = new Said(t);
  const pods = await startPods(t, 3);
  for (const pod of pods.slice(1)) pod.respond = ({ socket }) => void socket.destroy();
  const agent = startAgent(t, pods, { identityHeader: 'x-pod', endpointTimeout: 500 });
  const hear = (origin: URL, _targets: unknown, error: Error) => said.add('event', [origin.href, error]);
  agent.on('connectionError', hear).on('disconnect', hear);
  await Promise.all(Array.from({ length: 40 }, () => call(agent, said, 'http://orders.prod')));
  assert.ok(said.count('evenkeel:request:retry') > 0);
  assert.ok(said.count('evenkeel:endpoint:eject') > 0);
  for (const pod of pods) await pod.kill();
  await call(agent, said, 'http://orders.prod');
  assert.ok(said.count('error') > 0);
  await agent.close();
  said.holdsNoSecret();
});

test('nothing that is said of an origin has the password in its URL', async (t) => {
  const said = new Said(t);
  const pods = await startPods(t, 2);
  const agent = startAgent(t, pods);
  for (const origin of [`http://user:${CANARY}@orders.prod`, `http://${CANARY}:@orders.prod`]) {
    await call(agent, said, origin);
    await call(agent, said, new URL(origin) as unknown as string);
  }
  await agent.close();
  said.holdsNoSecret();
});

for (const trouble of ['none', 'a refusal', 'a token that is not accepted'] as const) {
  test(`nothing that is said with a service account has its token: ${trouble}`, async (t) => {
    const said = new Said(t);
    const token = `${CANARY}.service.account`;
    const [api, pods] = await Promise.all([startApiServer(t), startPods(t, 2)]);
    api.token = token;
    writeFileSync(join(api.serviceAccount, 'token'), `${token}\n`);
    const { port } = pods[0]!;
    api.store.putService('prod', serviceNamed('orders', { ports: [{ port, protocol: 'TCP' }] }));
    api.store.putSlice(
      'prod',
      sliceOf(
        'orders',
        'a',
        pods.map(({ address }) => podAt(address)),
        { ports: { '': port } },
      ),
    );
    const dns = await startDnsServer(t);
    dns.set('orders.prod.svc.cluster.local', [pods[0]!.address], { ttl: 1 });
    const place = placeIn(t, api);
    writeFileSync(place.resolvConf, `search prod.svc.cluster.local\nnameserver ${dns.address}\n`);
    if (trouble === 'a refusal') api.refuse = () => ({ status: 403, message: 'forbidden' });
    if (trouble === 'a token that is not accepted') api.token = 'another';
    const env = { EVENKEEL_DNS_SERVERS: dns.address };
    for (const format of [[], ['--json'], ['--settings']]) {
      let text = '';
      const output = { write: (part: string) => (text += part) };
      await doctor([`http://user:${CANARY}@orders.prod:${port}/?token=${CANARY}`, ...format], {
        output,
        env,
        place,
      });
      assert.match(text, /orders/);
      said.add('doctor', text);
    }
    const agent = startAgent(t, [], {
      discovery: resolverFor(resolveSettings({}, env), place),
      endpointTimeout: 500,
    });
    await call(agent, said, `http://orders.prod:${port}`);
    await turn();
    said.holdsNoSecret();
  });
}
