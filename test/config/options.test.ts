import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { errors } from 'undici';
import { variableFor } from '../../src/config/env.ts';
import type { BalancedAgentOptions } from '../../src/config/options.ts';
import { resolveSettings } from '../../src/config/resolve-settings.ts';
import type { Settings } from '../../src/config/settings.ts';
import { systemClock } from '../../src/core/base/clock.ts';
import { staticResolver } from '../../src/core/discovery/static.ts';

/** Settings that come from these options alone, of which tests get some wrong. */
function settle(options: object): Settings {
  return resolveSettings(options as BalancedAgentOptions, {});
}

function refuses(options: unknown, message: string | RegExp): void {
  assert.throws(
    () => resolveSettings(options as BalancedAgentOptions, {}),
    (error) => {
      assert.ok(error instanceof errors.InvalidArgumentError, `${error}`);
      assert.equal(error.code, 'UND_ERR_INVALID_ARG');
      if (typeof message === 'string') assert.equal(error.message, message);
      else assert.match(error.message, message);
      return true;
    },
  );
}

test('without options, settings are the documented defaults', () => {
  assert.deepEqual(settle({}), {
    maxConnectionDuration: undefined,
    connectionDurationJitter: 0.25,
    maxRequestsPerConnection: 0,
    drainTimeout: 0,
    connectTimeout: 10_000,
    connections: Number.POSITIVE_INFINITY,
    spread: 'auto',
    identityHeader: 'evenkeel-pod',
    maxSpread: 64,
    policy: 'least-request',
    peakEwma: { decay: 10_000, seed: 30 },
    ringHash: { header: undefined, key: undefined, balanceFactor: 1.25 },
    discovery: 'auto',
    hosts: undefined,
    grpc: true,
    http: true,
    mesh: 'auto',
    locality: 'off',
    subset: { size: 0, index: undefined },
    dns: { servers: undefined, minTtl: 1_000, maxTtl: 30_000, family: 'auto', negativeHold: 30_000 },
    kubernetes: {
      kubeconfig: undefined,
      namespace: undefined,
      clusterDomain: undefined,
      zone: undefined,
      nodeName: undefined,
    },
    maxRequestsPerEndpoint: 0,
    retry: {
      attempts: 2,
      budget: 0.2,
      minRetriesPerSecond: 1,
      reasons: ['refused', 'reset', 'unresponsive'],
    },
    slowStart: { window: 0, minWeight: 0.1 },
    outlierDetection: {
      consecutiveFailures: 5,
      successRateInterval: 10_000,
      successRateMinimumHosts: 5,
      successRateRequestVolume: 100,
      successRateStdevFactor: 1.9,
      enforcingSuccessRate: 100,
      baseEjectionTime: 30_000,
      maxEjectionTime: 300_000,
      maxEjectionPercent: 30,
      panicThreshold: 50,
      failures: ['502', '503', '504', 'reset', 'connect', 'timeout'],
    },
    healthCheck: {
      path: undefined,
      expectedStatus: undefined,
      interval: 10_000,
      timeout: 2_000,
      healthyThreshold: 2,
      unhealthyThreshold: 3,
    },
    maxPendingRequests: Number.POSITIVE_INFINITY,
    endpointTimeout: 12_000,
    newsTimeout: 5_000,
    comparesFamilies: true,
    maxOrigins: 1024,
    originIdleTimeout: 300_000,
    admin: undefined,
    client: {},
    clock: systemClock,
    random: Math.random,
  });
});

test('durations are milliseconds or strings with a unit', () => {
  assert.equal(settle({ maxConnectionDuration: 1500 }).maxConnectionDuration, 1500);
  assert.equal(settle({ maxConnectionDuration: '90s' }).maxConnectionDuration, 90_000);
  assert.equal(settle({ dns: { maxTtl: '2m' } }).dns.maxTtl, 120_000);
  assert.equal(settle({ keepAliveTimeout: '4s' }).client.keepAliveTimeout, 4_000);
});

test('by default, endpointTimeout is 2 s longer than a dial may take, or 5 s', () => {
  assert.equal(settle({ connectTimeout: '1s' }).endpointTimeout, 5_000);
  assert.equal(settle({ connectTimeout: '10s' }).endpointTimeout, 12_000);
  assert.equal(settle({ connect: { timeout: 10_000 } }).endpointTimeout, 12_000);
  assert.ok(settle({ connectTimeout: 0 }).endpointTimeout > 127_000);
  assert.equal(settle({ connectTimeout: '10s', endpointTimeout: '1s' }).endpointTimeout, 1_000);
  const env = { EVENKEEL_ENDPOINT_TIMEOUT: '1s' };
  assert.equal(resolveSettings({ connectTimeout: '10s' }, env).endpointTimeout, 1_000);
});

test('an unknown option is refused with the nearest name', () => {
  refuses(
    { maxConectionDuration: 5 },
    'unknown option maxConectionDuration; did you mean maxConnectionDuration?',
  );
  refuses({ dns: { maxTTl: 5 } }, 'unknown option dns.maxTTl; did you mean dns.maxTtl?');
  refuses({ colour: 'blue' }, 'unknown option colour');
  refuses({ toString: 5 }, /^unknown option toString/);
});

test('an option that is undefined is one that is left out', () => {
  assert.deepEqual(settle({ spread: undefined, dns: undefined, colour: undefined }), settle({}));
});

test('a bad value is refused with the name, what arrived and what is accepted', () => {
  const duration = "a duration (milliseconds, or like '500ms', '60s', '5m', '1h')";
  refuses({ maxConnectionDuration: 'sixty' }, `maxConnectionDuration must be ${duration}, got 'sixty'`);
  refuses({ dns: { minTtl: 0 } }, /^dns\.minTtl must be a duration of at least 1 ms .*, got 0$/);
  refuses({ spread: 2.5 }, "spread must be 'auto', or an integer, 1 or more, got 2.5");
  refuses({ connectionDurationJitter: 25 }, 'connectionDurationJitter must be a number from 0 to 1, got 25');
  refuses({ mesh: 'on' }, "mesh must be 'auto' or 'ignore', got 'on'");
  refuses({ dns: 4 }, 'dns must be an object, got 4');
});

test('some nested options can be switched off all together', () => {
  assert.equal(settle({ retry: false }).retry, false);
  assert.deepEqual(settle({ retry: true }).retry, settle({}).retry);
  assert.equal(resolveSettings({}, { EVENKEEL_RETRY: 'false' }).retry, false);
  assert.deepEqual(resolveSettings({ retry: {} }, { EVENKEEL_RETRY: 'false' }).retry, settle({}).retry);
  refuses({ retry: 4 }, 'retry must be an object, true or false, got 4');
  refuses({ retry: { reasons: ['timeout'] } }, /^retry\.reasons must be a list of 'refused', /);
});

test('what is an outlier is checked', () => {
  assert.equal(settle({ outlierDetection: false }).outlierDetection, false);
  assert.equal(resolveSettings({}, { EVENKEEL_OUTLIER_DETECTION: 'false' }).outlierDetection, false);
  const { outlierDetection } = resolveSettings({}, { EVENKEEL_OUTLIER_DETECTION_FAILURES: 'reset, 500' });
  assert.ok(outlierDetection);
  assert.deepEqual(outlierDetection.failures, ['reset', '500']);
  for (const bad of [
    { consecutiveFailures: 0 },
    { consecutiveFailures: 1.5 },
    { successRateInterval: 0 },
    { successRateMinimumHosts: 0 },
    { successRateRequestVolume: 0 },
    { successRateStdevFactor: -1 },
    { enforcingSuccessRate: 101 },
    { baseEjectionTime: 0 },
    { maxEjectionTime: 'soon' },
    { maxEjectionPercent: 101 },
    { panicThreshold: -1 },
    { failures: [] },
    { failures: ['5xx'] },
    { failures: [503] },
  ]) {
    refuses({ outlierDetection: bad }, new RegExp(`^outlierDetection\\.${Object.keys(bad)[0]} must be `));
  }
});

test('what health checks ask is checked', () => {
  assert.equal(settle({ healthCheck: { path: '/healthz?deep=1' } }).healthCheck.path, '/healthz?deep=1');
  for (const bad of [
    { path: 'healthz' },
    { path: '/a b' },
    { path: '/\r\nX: y' },
    { path: 5 },
    { expectedStatus: 99 },
    { expectedStatus: '200' },
    { interval: 0 },
    { timeout: 'soon' },
    { healthyThreshold: 0 },
    { unhealthyThreshold: 1.5 },
  ]) {
    refuses({ healthCheck: bad }, new RegExp(`^healthCheck\\.${Object.keys(bad)[0]} must be `));
  }
});

const BAD: Record<string, unknown[]> = {
  maxConnectionDuration: [-1, Number.NaN, Number.POSITIVE_INFINITY, '', '5 parsecs', null, {}],
  connectionDurationJitter: [-0.1, 1.1, '0.5'],
  maxRequestsPerConnection: [-1, 0.5, '10', null],
  connections: [-1, 1.5, '1'],
  spread: [0, '8'],
  policy: ['random', {}, null],
  discovery: ['consul', [{ address: '127.0.0.1', port: 80 }], {}],
  hosts: ['*', [], [''], [5], ['http://orders'], ['orders:80'], ['a b']],
  maxPendingRequests: [0, -1],
  endpointTimeout: [0],
  maxOrigins: [0, 1e9, '5'],
  clock: [{}, { now: Date.now }, 5],
  random: [0.5],
};

const BAD_NESTED: Record<string, unknown[]> = {
  'peakEwma.decay': [0, -1],
  'ringHash.header': ['', 'x user', 5],
  'ringHash.key': ['x-user', {}],
  'ringHash.balanceFactor': [1, 0.5, -1, '2'],
  'slowStart.minWeight': [0, 1.1],
};

for (const [path, values] of Object.entries(BAD_NESTED)) {
  test(`${path} is checked`, () => {
    const [group, name] = path.split('.') as [string, string];
    for (const value of values) refuses({ [group]: { [name]: value } }, new RegExp(`^${path} must be `));
  });
}

for (const [name, values] of Object.entries(BAD)) {
  test(`${name} is checked`, () => {
    for (const value of values) refuses({ [name]: value }, new RegExp(`^${name} must be `));
  });
}

test('name servers are addresses, with a port or without', () => {
  const servers = ['10.96.0.10', '10.96.0.10:5353', 'fd00::10', '[fd00::10]', '[fd00::10]:5353'];
  assert.deepEqual(settle({ dns: { servers } }).dns.servers, servers);
  for (const bad of ['ns.example.com', '10.96.0.10:', '10.96.0', 'fd00::10]:53', '']) {
    refuses({ dns: { servers: [bad] } }, /^dns\.servers must be /);
  }
  for (const bad of ['10.96.0.10:0', '10.96.0.10:65536', '[fd00::10]:99999']) {
    refuses({ dns: { servers: [bad] } }, /^dns\.servers must be /);
  }
});

test('bounds of the TTL that cross are refused', () => {
  refuses({ dns: { minTtl: '1m' } }, 'dns.minTtl (60000 ms) must not be above dns.maxTtl (30000 ms)');
  assert.equal(settle({ dns: { minTtl: '1m', maxTtl: '1m' } }).dns.minTtl, 60_000);
});

test('no limit on connections is said as undici has it', () => {
  for (const connections of [null, 0]) {
    assert.equal(settle({ connections }).connections, Number.POSITIVE_INFINITY);
  }
  assert.equal(settle({ connections: 1 }).connections, 1);
});

test('a policy and a resolver of one’s own are functions', () => {
  const policy = () => {};
  const discovery = staticResolver([{ address: '127.0.0.1', port: 80 }]);
  const settings = settle({ policy, discovery });
  assert.equal(settings.policy, policy);
  assert.equal(settings.discovery, discovery);
});

test('what undici would take and evenkeel has another name for is refused with that name', () => {
  refuses({ clientTtl: 5 }, 'unsupported clientTtl, use maxConnectionDuration instead');
  refuses(
    { maxRequestsPerClient: 5 },
    'unsupported maxRequestsPerClient, use maxRequestsPerConnection instead',
  );
  refuses({ factory() {} }, 'unsupported factory, use discovery, policy or connect instead');
  refuses({ keepAlive: true }, 'unsupported keepAlive, use pipelining=0 instead');
  refuses({ pipelining: 2 }, 'pipelining must be 1 or 0, got 2');
});

test('undici’s own options go to its Clients', () => {
  const given = {
    allowH2: false,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: 300,
    bodyTimeout: 1,
    connect: { rejectUnauthorized: false },
    connectionWindowSize: 65_536,
    eventSource: { maxEventSize: 1 },
    h2Options: { maxConcurrentStreams: 7 },
    headersTimeout: 2,
    initialWindowSize: 65_536,
    keepAliveMaxTimeout: 3,
    keepAliveTimeout: 4,
    keepAliveTimeoutThreshold: -5,
    localAddress: '127.0.0.1',
    maxCachedSessions: 6,
    maxConcurrentStreams: 8,
    maxHeaderSize: 1024,
    maxResponseSize: -1,
    pingInterval: 9,
    pipelining: 0,
    socketPath: '/run/app.sock',
    strictContentLength: false,
    tls: { ca: 'none' },
    useMilo: false,
    webSocket: { maxFragments: 10 },
  };
  assert.deepEqual(settle(given).client, given);
});

test('objects among them count as they were when the agent was made', () => {
  const connect = { rejectUnauthorized: false };
  const { client } = settle({ connect });
  connect.rejectUnauthorized = true;
  assert.deepEqual(client.connect, { rejectUnauthorized: false });
});

test('a connector of one’s own stays the function it is', () => {
  const connect = (): void => {};
  assert.equal(settle({ connect }).client.connect, connect);
});

test('undici’s own checks are made when the agent is, and in its words', () => {
  refuses({ headersTimeout: -1 }, 'headersTimeout must be a positive integer or zero');
  refuses({ localAddress: 'here' }, 'localAddress must be valid string IP address');
  refuses({ connect: 5 }, 'connect must be a function or an object');
  refuses({ maxCachedSessions: -1 }, 'maxCachedSessions must be a positive integer or zero');
  refuses({ h2Options: { useH2c: 5 } }, 'h2Options.useH2c must be a valid boolean value');
  refuses({ bodyTimeout: 'soon' }, /^bodyTimeout must be a duration/);
  refuses({ webSocket: 5 }, 'webSocket must be an object, got 5');
});

test('null leaves an option of undici’s at its default, as it does there', () => {
  assert.deepEqual(settle({ allowH2: null, headersTimeout: null, connect: null, tls: null }).client, {});
});

test('checking options leaves nothing behind', () => {
  const before = process.getActiveResourcesInfo();
  for (let i = 0; i < 10; i++)
    settle({ headersTimeout: 1, connect: { timeout: 5 }, socketPath: '/run/app.sock' });
  assert.deepEqual(process.getActiveResourcesInfo(), before);
});

test('options are an object', () => {
  for (const options of [null, 5, 'dns', []]) refuses(options, /^options must be an object, got /);
});

test('every option’s docstring names its default and its variable', () => {
  const folder = new URL('../../src/config/', import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith('options.ts'));
  const source = files.map((name) => readFileSync(new URL(name, folder), 'utf8')).join('');
  const docstrings = new Map(
    [...source.matchAll(/\/\*\*((?:(?!\*\/).)*)\*\/\s+(\w+)\?:/gs)].map(([, text, name]) => [
      name,
      text ?? '',
    ]),
  );
  // What follows from others is no option.
  const { client, clock, random, ringHash, newsTimeout, comparesFamilies, ...others } = settle({});
  const { key, ...variable } = ringHash;
  const paths = Object.entries({ ...others, ringHash: variable }).flatMap(([name, value]) =>
    value?.constructor === Object ? Object.keys(value).map((nested) => [name, nested]) : [[name]],
  );
  for (const path of paths) {
    const docstring = docstrings.get(path.at(-1)) ?? '';
    assert.match(docstring, /default/i, `of ${path.join('.')}`);
    assert.ok(docstring.includes(`\`${variableFor(path)}\``), `${variableFor(path)} is in the docstring`);
  }
});

test('the admin page is on loopback, unless it is told a host', () => {
  const at = (admin: unknown) => resolveSettings({ admin } as BalancedAgentOptions).admin;
  assert.equal(at(9909), '127.0.0.1:9909');
  assert.equal(at('9909'), '127.0.0.1:9909');
  assert.equal(at('0.0.0.0:9909'), '0.0.0.0:9909');
  assert.equal(at('[::1]:9909'), '[::1]:9909');
  assert.equal(at(false), false);
  for (const bad of [0, 65_536, 99.5, true, 'localhost', ':9909', 'a b:9909', '::1:9909', {}]) {
    assert.throws(
      () => at(bad),
      { code: 'UND_ERR_INVALID_ARG', message: /admin must be a port/ },
      String(bad),
    );
  }
  // It has no text, so that to look at it as a text throws.
  refuses({ admin: Object.create(null) }, /^admin must be a port/);
});

const IDLE = [
  [{ ringHash: { header: 'x-user' } }, "ringHash.header does nothing without policy 'ring-hash'"],
  [
    { policy: 'round-robin', peakEwma: { decay: 5_000 } },
    "peakEwma.decay does nothing without policy 'peak-ewma'",
  ],
  [{ healthCheck: { interval: '5s' } }, 'healthCheck.interval does nothing without healthCheck.path'],
  [{ subset: { index: 3 } }, 'subset.index does nothing without subset.size'],
  [{ slowStart: { minWeight: 0.5 } }, 'slowStart.minWeight does nothing without slowStart.window'],
  [
    { policy: 'ring-hash' },
    "policy 'ring-hash' needs ringHash.header or ringHash.key, to know the key of a request",
  ],
] as const satisfies readonly (readonly [BalancedAgentOptions, string])[];

for (const [options, message] of IDLE) {
  test(`an option that does nothing is refused: ${message}`, () => {
    assert.throws(() => resolveSettings(options, {}), { code: 'UND_ERR_INVALID_ARG', message });
  });
}

test('what a variable takes for an option counts: it may be set from outside', () => {
  resolveSettings({ healthCheck: { interval: '5s' } }, { EVENKEEL_HEALTH_CHECK_PATH: '/healthz' });
  resolveSettings({ ringHash: { header: 'x-user' } }, { EVENKEEL_POLICY: 'ring-hash' });
  resolveSettings({ ringHash: {} }, {});
});

test('a variable that does nothing is warned of, and a policy that lacks its key is ignored', async () => {
  const warned = once(process, 'warning');
  assert.equal(resolveSettings({}, { EVENKEEL_POLICY: 'ring-hash' }).policy, 'least-request');
  assert.match((await warned)[0].message, /EVENKEEL_POLICY: policy 'ring-hash' needs ringHash\.header/);
  const another = once(process, 'warning');
  resolveSettings({}, { EVENKEEL_HEALTH_CHECK_INTERVAL: '5s' });
  assert.match(
    (await another)[0].message,
    /EVENKEEL_HEALTH_CHECK_INTERVAL does nothing without healthCheck\.path/,
  );
});

test('the header in which pods name themselves has a name, or is none', () => {
  assert.equal(resolveSettings({ identityHeader: 'X-Pod-Name' }, {}).identityHeader, 'x-pod-name');
  assert.equal(resolveSettings({ identityHeader: false }, {}).identityHeader, false);
  const env = (name: string) => resolveSettings({}, { EVENKEEL_IDENTITY_HEADER: name }).identityHeader;
  assert.equal(env('x-pod-name'), 'x-pod-name');
  assert.equal(env('false'), false);
  refuses(
    { identityHeader: 'x pod' },
    "identityHeader must be the name of a header, such as 'x-pod-name', or false, got 'x pod'",
  );
});
