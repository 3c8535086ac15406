import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { isDisabled } from '../../src/config/env.ts';
import type { BalancedAgentOptions } from '../../src/config/options.ts';
import { resolveSettings } from '../../src/config/resolve-settings.ts';

/** The warnings about variables, from here on. Each is given once in a process, so tests use variables of their own. */
function watchWarnings(t: TestContext): () => Promise<string[]> {
  const warnings: string[] = [];
  const collect = (warning: Error & { code?: string }): void => {
    if (warning.code === 'EVENKEEL_BAD_VARIABLE') warnings.push(warning.message);
  };
  process.on('warning', collect);
  t.after(() => process.off('warning', collect));
  return async () => {
    // They are on their way until the present tick ends.
    await setImmediate();
    return warnings.splice(0);
  };
}

test('every scalar option has a variable; lists are separated by commas, nested options joined', async (t) => {
  const warnings = watchWarnings(t);
  const settings = resolveSettings(
    {},
    {
      EVENKEEL_MAX_CONNECTION_DURATION: '60s',
      EVENKEEL_CONNECTION_DURATION_JITTER: '0.5',
      EVENKEEL_MAX_REQUESTS_PER_CONNECTION: '100',
      EVENKEEL_CONNECTIONS: '0',
      EVENKEEL_POLICY: 'round-robin',
      EVENKEEL_HOSTS: '*.svc, !public.svc',
      EVENKEEL_DNS_MAX_TTL: '5000',
      EVENKEEL_DNS_FAMILY: '6',
      EVENKEEL_KUBERNETES_NODE_NAME: 'node-1',
      EVENKEEL_KEEP_ALIVE_TIMEOUT: '10s',
      EVENKEEL_ALLOW_H2: 'false',
      EVENKEEL_USE_H2C: '1',
      EVENKEEL_MAX_HEADER_SIZE: '4096',
    },
  );
  assert.equal(settings.maxConnectionDuration, 60_000);
  assert.equal(settings.connectionDurationJitter, 0.5);
  assert.equal(settings.maxRequestsPerConnection, 100);
  assert.equal(settings.connections, Number.POSITIVE_INFINITY);
  assert.equal(settings.policy, 'round-robin');
  assert.deepEqual(settings.hosts, ['*.svc', '!public.svc']);
  assert.equal(settings.dns.maxTtl, 5_000);
  assert.equal(settings.dns.family, 6);
  assert.equal(settings.kubernetes.nodeName, 'node-1');
  assert.deepEqual(settings.client, {
    keepAliveTimeout: 10_000,
    allowH2: false,
    useH2c: true,
    maxHeaderSize: 4096,
  });
  assert.deepEqual(await warnings(), []);
});

test('code beats environment, and environment beats default', () => {
  const env = { EVENKEEL_SPREAD: '3', EVENKEEL_DNS_MIN_TTL: '2s' };
  assert.equal(resolveSettings({ spread: 5 }, env).spread, 5);
  assert.equal(resolveSettings({}, env).spread, 3);
  const { dns } = resolveSettings({ dns: { maxTtl: '10s' } }, env);
  assert.deepEqual([dns.minTtl, dns.maxTtl], [2_000, 10_000]);
});

test('the variables are those of the process', (t) => {
  process.env.EVENKEEL_SPREAD = '3';
  t.after(() => delete process.env.EVENKEEL_SPREAD);
  assert.equal(resolveSettings().spread, 3);
});

test('a bad variable is warned of once, in the words for the option, and ignored', async (t) => {
  const warnings = watchWarnings(t);
  const env = { EVENKEEL_SPREAD: 'many' };
  assert.equal(resolveSettings({}, env).spread, 'auto');
  assert.deepEqual(await warnings(), [
    "EVENKEEL_SPREAD must be 'auto', or an integer, 1 or more, got 'many'; evenkeel ignores it",
  ]);
  resolveSettings({}, env);
  assert.deepEqual(await warnings(), []);
});

test('what undici would not accept is warned of in its words, and ignored', async (t) => {
  const warnings = watchWarnings(t);
  const { client } = resolveSettings(
    {},
    { EVENKEEL_HEADERS_TIMEOUT: '1.5ms', EVENKEEL_LOCAL_ADDRESS: 'here' },
  );
  assert.deepEqual(client, {});
  assert.deepEqual(await warnings(), [
    "EVENKEEL_HEADERS_TIMEOUT: headersTimeout must be a positive integer or zero, got '1.5ms'; evenkeel ignores it",
    "EVENKEEL_LOCAL_ADDRESS: localAddress must be valid string IP address, got 'here'; evenkeel ignores it",
  ]);
});

test('numbers and booleans are taken by their whole text only', async (t) => {
  const warnings = watchWarnings(t);
  const settings = resolveSettings(
    {},
    { EVENKEEL_MAX_PENDING_REQUESTS: '10 or so', EVENKEEL_MAX_ORIGINS: ' ', EVENKEEL_USE_MILO: 'yes' },
  );
  assert.equal(settings.maxPendingRequests, Number.POSITIVE_INFINITY);
  assert.equal(settings.maxOrigins, 1024);
  assert.deepEqual(settings.client, {});
  assert.equal((await warnings()).length, 3);
});

test('bounds of the TTL that cross because of a variable are warned of, and the variable ignored', async (t) => {
  const warnings = watchWarnings(t);
  const { dns } = resolveSettings({ dns: { minTtl: '5s' } }, { EVENKEEL_DNS_MAX_TTL: '4s' });
  assert.deepEqual([dns.minTtl, dns.maxTtl], [5_000, 30_000]);
  assert.deepEqual(await warnings(), [
    'EVENKEEL_DNS_MAX_TTL: dns.minTtl (5000 ms) must not be above dns.maxTtl (4000 ms); evenkeel ignores it',
  ]);
});

test('an unknown variable is warned of with the nearest name', async (t) => {
  const warnings = watchWarnings(t);
  resolveSettings({}, { EVENKEEL_MAX_CONECTION_DURATION: '60s', EVENKEEL_COLOUR: 'blue', OTHER_SPREAD: '1' });
  assert.deepEqual(await warnings(), [
    "EVENKEEL_MAX_CONECTION_DURATION is not a variable of evenkeel's (did you mean EVENKEEL_MAX_CONNECTION_DURATION?); evenkeel ignores it",
    "EVENKEEL_COLOUR is not a variable of evenkeel's; evenkeel ignores it",
  ]);
});

test('options that are no scalars have no variable', async (t) => {
  const warnings = watchWarnings(t);
  resolveSettings({}, { EVENKEEL_CLOCK: 'now', EVENKEEL_CONNECT: '{}', EVENKEEL_RING_HASH_KEY: 'user' });
  assert.equal((await warnings()).length, 3);
});

test('the variables of a Service called evenkeel are left in peace', async (t) => {
  const warnings = watchWarnings(t);
  resolveSettings(
    {},
    {
      EVENKEEL_SERVICE_HOST: '10.96.0.1',
      EVENKEEL_SERVICE_PORT_HTTP: '80',
      EVENKEEL_PORT: 'tcp://10.96.0.1:80',
      EVENKEEL_DEMO_PORT_8080_TCP_ADDR: '10.96.0.2',
    },
  );
  assert.deepEqual(await warnings(), []);
});

test('an empty variable is none', async (t) => {
  const warnings = watchWarnings(t);
  assert.equal(resolveSettings({}, { EVENKEEL_SPREAD: '', EVENKEEL_MODE: '' }).spread, 'auto');
  assert.deepEqual(await warnings(), []);
});

test('EVENKEEL_MODE has one value', async (t) => {
  const warnings = watchWarnings(t);
  resolveSettings({}, { EVENKEEL_MODE: 'observe', EVENKEEL_OBSERVE_INTERVAL: '1m' });
  resolveSettings({}, { EVENKEEL_MODE: 'obsreve' });
  assert.deepEqual(await warnings(), ["EVENKEEL_MODE must be 'observe', got 'obsreve'; evenkeel ignores it"]);
});

test('code that is wrong throws, whatever the environment says', () => {
  const options: BalancedAgentOptions = { spread: 0 };
  assert.throws(() => resolveSettings(options, { EVENKEEL_SPREAD: '4' }), /spread must be/);
});

test('EVENKEEL_DISABLED disables unless it says that it does not', () => {
  for (const value of ['1', 'true', 'yes'])
    assert.equal(isDisabled({ EVENKEEL_DISABLED: value }), true, value);
  for (const value of ['0', 'false', '', undefined])
    assert.equal(isDisabled({ EVENKEEL_DISABLED: value }), false);
});
