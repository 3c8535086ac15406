import assert from 'node:assert/strict';
import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { metrics } from '@opentelemetry/api';
import type { Candidate, Picker } from '../../src/core/balancing/picker.ts';
import { instrument } from '../../src/telemetry/opentelemetry.ts';
import { get, load, ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { FakeClock } from '../support/clock.ts';
import { type Meter, startMeter } from '../support/meter.ts';
import { nextAddress, settle, startPod, startPods } from '../support/pods.ts';
import { startVirtualIp } from '../support/virtual-ip.ts';
import { liveOnce } from './one-life.ts';

const SERVER = { 'server.address': 'orders.prod', 'server.port': 80, 'url.scheme': 'http' };
const ACTIVE = { 'http.connection.state': 'active' };
const IDLE = { 'http.connection.state': 'idle' };
const CHANNELS = [
  'evenkeel:connection:close',
  'evenkeel:connection:retire',
  'evenkeel:request:retry',
  'evenkeel:endpoint:eject',
  'evenkeel:discovery:error',
];

/** Starts a meter that has the metrics of all agents. */
function startInstrumented(t: TestContext, options: { byEndpoint?: boolean } = {}): Meter {
  const meter = startMeter(t);
  t.after(instrument({ meterProvider: meter.meterProvider, ...options }));
  return meter;
}

/** Prefers one candidate to another for no reason, and always the same one. */
class Biased<C extends Candidate> implements Picker<C> {
  static readonly #ranks = new WeakMap<Candidate, number>();
  static #count = 0;
  readonly #candidates = new Set<C>();
  add(candidate: C) {
    if (!Biased.#ranks.has(candidate)) Biased.#ranks.set(candidate, Biased.#count++);
    this.#candidates.add(candidate);
  }
  remove(candidate: C) {
    this.#candidates.delete(candidate);
  }
  pick() {
    return [...this.#candidates].toSorted((a, b) => (this.before(a, b) ? -1 : 1))[0];
  }
  before(a: C, b: C) {
    return Biased.#ranks.get(a)! < Biased.#ranks.get(b)!;
  }
  update() {}
  used() {}
}

test('connections are counted by state, and requests while they are active', async (t) => {
  const pod = await startPod(t);
  const agent = startAgent(t, [pod]);
  const meter = startInstrumented(t);
  const held = get(agent, '/slow');
  await pod.received('/slow');

  const during = await meter.collect();
  assert.deepEqual(during.points('http.client.open_connections'), [
    [{ ...SERVER, ...ACTIVE, 'network.protocol.version': '1.1' }, 1],
    [{ ...SERVER, ...IDLE, 'network.protocol.version': '1.1' }, 0],
  ]);
  assert.deepEqual(during.points('http.client.active_requests'), [[SERVER, 1]]);

  pod.release('/slow');
  await held;
  await settle();
  const after = await meter.collect();
  assert.equal(after.value('http.client.open_connections', IDLE), 1);
  assert.equal(after.value('http.client.active_requests'), 0);
  assert.equal(after.value('evenkeel.requests'), 1);
  assert.equal(after.value('evenkeel.request.failures'), 0);
});

test('a request that waits is active, and pending', async (t) => {
  const resolver = new ManualResolver();
  const agent = startAgent(t, [], { discovery: resolver.resolve });
  const meter = startInstrumented(t);
  const waiting = get(agent);

  const during = await meter.collect();
  assert.equal(during.value('http.client.active_requests'), 1);
  assert.equal(during.value('evenkeel.pending_requests'), 1);
  assert.deepEqual(during.points('evenkeel.endpoints'), []);

  resolver.set([await startPod(t)]);
  await waiting;
});

test('an HTTP/2 connection says so, and may carry many', async (t) => {
  const server = createServer((_request, response) => void response.end());
  server.listen(0, nextAddress());
  await once(server, 'listening');
  t.after(() => server.close());
  const { address, port } = server.address() as AddressInfo;
  const agent = startAgent(t, [{ endpoint: { address, port } }], { h2Options: { useH2c: true } });
  const meter = startInstrumented(t);
  await load(agent, 10, 5);

  const { points } = await collectOf(meter, 'http.client.open_connections');
  for (const [attributes] of points) assert.equal(attributes['network.protocol.version'], '2');
});

test('agents are seen that were made before or after, and those of one origin as one', async (t) => {
  const pod = await startPod(t);
  const before = startAgent(t, [pod]);
  await get(before);
  const meter = startInstrumented(t);
  const after = startAgent(t, [pod]);
  await load(after, 2);
  assert.deepEqual((await meter.collect()).points('evenkeel.requests'), [[SERVER, 3]]);
});

test('what an agent has sent still counts when it is closed, while another has the origin', async (t) => {
  const pod = await startPod(t);
  const [first, second] = [startAgent(t, [pod]), startAgent(t, [pod])];
  const [meter, detailed] = [startInstrumented(t), startInstrumented(t, { byEndpoint: true })];
  await load(first, 5);
  await load(second, 3);
  for (const each of [meter, detailed]) assert.equal((await each.collect()).value('evenkeel.requests'), 8);

  await load(first, 2);
  await first.close();
  await load(second, 1);
  for (const each of [meter, detailed]) assert.equal((await each.collect()).value('evenkeel.requests'), 11);
});

test('agents that are closed have nothing any more', async (t) => {
  const pod = await startPod(t);
  const [first, second] = [startAgent(t, [pod]), startAgent(t, [pod])];
  const meter = startInstrumented(t);
  await get(first);
  await get(second, '/', 'http://billing.prod');
  assert.equal((await meter.collect()).points('evenkeel.requests').length, 2);

  await first.close();
  const collected = await meter.collect();
  for (const name of ['http.client.open_connections', 'evenkeel.endpoints']) {
    // The SDK forgets nothing, so it was told that there are none.
    assert.equal(collected.value(name, SERVER), 0, name);
    assert.equal(collected.value(name, { 'server.address': 'billing.prod' }), 1, name);
  }
  await second.close();
  const left = startInstrumented(t);
  assert.deepEqual((await left.collect()).names, []);
});

test('what is measured begins with the origins that somebody calls', async (t) => {
  const clock = new FakeClock();
  const pod = await startPod(t);
  const agent = startAgent(t, [pod], { clock, originIdleTimeout: '1m' });
  await get(agent);
  clock.advance('5m');
  await pod.allClosed();
  await settle();
  assert.deepEqual((await startInstrumented(t).collect()).names, []);
});

test('the counters of an origin that is called now and then go on where they were', async (t) => {
  const clock = new FakeClock();
  const pod = await startPod(t);
  const agent = startAgent(t, [pod], { clock, originIdleTimeout: '1m' });
  const meter = startInstrumented(t);
  await load(agent, 5);
  clock.advance('5m');
  await pod.allClosed();
  await settle();
  const gone = await meter.collect();
  assert.deepEqual(gone.points('evenkeel.requests'), [[SERVER, 5]]);
  assert.deepEqual(gone.points('evenkeel.discovery.errors'), [[SERVER, 0]]);
  for (const name of ['http.client.open_connections', 'http.client.active_requests', 'evenkeel.endpoints']) {
    assert.deepEqual(gone.points(name), [], name);
  }

  await load(agent, 2);
  assert.deepEqual((await meter.collect()).points('evenkeel.requests'), [[SERVER, 7]]);
});

test('an agent that comes and goes between two collections counts', async (t) => {
  const pod = await startPod(t);
  const meter = startInstrumented(t);
  const lasting = startAgent(t, [pod]);
  await load(lasting, 1);
  for (let run = 0; run < 3; run++) {
    const agent = startAgent(t, [pod]);
    await load(agent, 4);
    await agent.close();
  }
  assert.deepEqual((await meter.collect()).points('evenkeel.requests'), [[SERVER, 13]]);
  await lasting.destroy();
  assert.deepEqual((await meter.collect()).points('evenkeel.requests'), [[SERVER, 13]]);
});

test('what happens to connections is counted, by reason, and how long they lived', async (t) => {
  const meter = startInstrumented(t);
  await liveOnce(t);

  const collected = await meter.collect();
  const retirements = 'evenkeel.connection.retirements';
  assert.equal(collected.value(retirements, { 'evenkeel.retire.reason': 'max-duration' }), 1);
  // All others are there from the start, so that the first of them is an increase.
  assert.equal(collected.value(retirements, { 'evenkeel.retire.reason': 'error' }), 0);
  const [[attributes, duration]] = collected.points('http.client.connection.duration') as [
    [object, { sum: number; count: number }],
  ];
  assert.deepEqual(attributes, { ...SERVER, 'network.protocol.version': '1.1' });
  assert.deepEqual([duration.count, duration.sum], [1, 60]);
});

test('requests that are sent again, and why, are counted', async (t) => {
  const pods = await startPods(t, 2);
  let resets = 0;
  for (const pod of pods) {
    pod.respond = (request, response) => {
      if (resets++ === 0) request.socket.destroy();
      else response.end();
    };
  }
  const agent = startAgent(t, pods);
  const meter = startInstrumented(t);
  await get(agent);

  const collected = await meter.collect();
  assert.equal(collected.value('evenkeel.request.retries', { 'evenkeel.retry.reason': 'reset' }), 1);
  assert.equal(collected.value('evenkeel.request.retries', { 'evenkeel.retry.reason': 'refused' }), 0);
  assert.deepEqual(collected.points('evenkeel.requests'), [[SERVER, 2]]);
  assert.deepEqual(collected.points('evenkeel.request.failures'), [[SERVER, 1]]);
});

test('an endpoint that is ejected is counted, as an event and as a state', async (t) => {
  const pods = await startPods(t, 3);
  pods[0]!.respond = (_request, response) => response.writeHead(503).end();
  const agent = startAgent(t, pods, { policy: 'round-robin' });
  const meter = startInstrumented(t);
  for (let request = 0; request < 30; request++) {
    const { body } = await agent.request({ origin: ORIGIN, path: '/', method: 'GET' });
    await body.dump();
  }

  const collected = await meter.collect();
  assert.deepEqual(collected.points('evenkeel.endpoint.ejections'), [[SERVER, 1]]);
  assert.equal(collected.value('evenkeel.endpoints', { 'evenkeel.endpoint.state': 'ejected' }), 1);
  assert.equal(collected.value('evenkeel.request.failures'), pods[0]!.requests);
});

test('failures of discovery are counted', async (t) => {
  const resolver = new ManualResolver([await startPod(t)]);
  const agent = startAgent(t, [], { discovery: resolver.resolve });
  const meter = startInstrumented(t);
  await get(agent);
  resolver.say({ error: new Error('no answer') });
  await settle();
  // Of another copy of evenkeel.
  channel('evenkeel:discovery:error').publish({ origin: 'http://nobody.prod', error: new Error() });

  const collected = await meter.collect();
  assert.deepEqual(collected.points('evenkeel.discovery.errors'), [[SERVER, 1]]);
});

test('endpoints are counted by state and source, those included that leave', async (t) => {
  const pods = await startPods(t, 3);
  const resolver = new ManualResolver(pods);
  const agent = startAgent(t, [], { discovery: resolver.resolve });
  const meter = startInstrumented(t);
  await load(agent, 30, 6);
  const held = get(agent, '/slow');
  const busy = await Promise.race(pods.map((pod) => pod.received('/slow').then(() => pod)));
  resolver.set(pods.filter((pod) => pod !== busy));
  await settle();

  const collected = await meter.collect();
  const count = (state: string) =>
    collected.value('evenkeel.endpoints', {
      'evenkeel.endpoint.state': state,
      'evenkeel.discovery.source': 'test',
    });
  assert.deepEqual([count('ready'), count('draining')], [2, 1]);
  busy.release('/slow');
  await held;
});

test('endpoints are told apart only if asked for', async (t) => {
  const pods = await startPods(t, 2);
  const agent = startAgent(t, pods);
  const meter = startInstrumented(t, { byEndpoint: true });
  await load(agent, 20, 4);

  const collected = await meter.collect();
  const sent = pods.map(({ address, port }) =>
    collected.value('evenkeel.requests', { 'network.peer.address': address, 'network.peer.port': port }),
  );
  assert.deepEqual(
    sent,
    pods.map(({ requests }) => requests),
  );
  for (const name of ['http.client.open_connections', 'evenkeel.endpoints', 'evenkeel.request.failures']) {
    for (const [attributes] of collected.points(name)) assert.ok('network.peer.address' in attributes, name);
  }
});

test('pods behind a virtual IP have the names that they give', async (t) => {
  const pods = await startPods(t, 2);
  for (const pod of pods) {
    pod.respond = (_request, response) => response.setHeader('x-pod', `at ${pod.address}`).end(pod.address);
  }
  const resolver = new ManualResolver();
  resolver.set([await startVirtualIp(t, pods)], { virtual: true });
  const agent = startAgent(t, [], { discovery: resolver.resolve, identityHeader: 'x-pod' });
  const meter = startInstrumented(t, { byEndpoint: true });
  await load(agent, 20, 4);
  const collected = await meter.collect();
  for (const { address } of pods) {
    assert.ok(collected.value('evenkeel.requests', { 'evenkeel.endpoint.identity': `at ${address}` })! > 0);
  }
});

test('fairness is 1 where every pod had as much, and less where one had everything', async (t) => {
  // However long it takes, no connection idles for too long: pods without one are not counted.
  const pods = await startPods(t, 4, { keepAliveTimeout: 60_000 });
  const clock = new FakeClock();
  const even = startAgent(t, pods, { clock });
  const uneven = startAgent(t, pods, { clock, policy: () => new Biased() });
  const meter = startInstrumented(t);
  const loadBoth = async (count: number) => {
    await load(even, count, 8);
    await load(uneven, count, 8, 'http://uneven.prod');
  };
  await loadBoth(100);
  assert.equal((await meter.collect()).value('evenkeel.fairness'), undefined);

  await loadBoth(200);
  await load(uneven, 800, 1, 'http://uneven.prod');
  clock.advance('5s');
  const collected = await meter.collect();
  assert.ok(collected.value('evenkeel.fairness', SERVER)! > 0.99);
  assert.ok(collected.value('evenkeel.fairness', { 'server.address': 'uneven.prod' })! < 0.5);

  // A second reader that comes a moment later sees the same interval.
  clock.advance('1s');
  const again = await meter.collect();
  assert.deepEqual(again.points('evenkeel.fairness'), collected.points('evenkeel.fairness'));
});

test('fairness is not told of few requests, nor of pods that cannot be told apart', async (t) => {
  const pod = await startPod(t);
  const clock = new FakeClock();
  const few = startAgent(t, await startPods(t, 2), { clock });
  const virtual = new ManualResolver();
  virtual.set([pod], { virtual: true });
  const blind = startAgent(t, [], { clock, discovery: virtual.resolve });
  const meter = startInstrumented(t);
  for (let interval = 0; interval < 3; interval++) {
    await load(few, 4);
    await load(blind, 100, 4, 'http://blind.prod');
    clock.advance('5s');
    assert.deepEqual((await meter.collect()).points('evenkeel.fairness'), []);
  }
  const kindsOf = async (host: string) => {
    const { points } = await collectOf(meter, 'evenkeel.endpoints');
    const own = points.filter(([attributes]) => attributes['server.address'] === host);
    return new Set(own.map(([attributes]) => attributes['evenkeel.endpoint.kind']));
  };
  assert.deepEqual(await kindsOf('blind.prod'), new Set(['virtual']));
  assert.deepEqual(await kindsOf('orders.prod'), new Set(['pod']));
});

test('once stopped, nothing is observed, nor listened to', async (t) => {
  const agent = startAgent(t, [await startPod(t)]);
  const meter = startMeter(t);
  const stop = instrument({ meterProvider: meter.meterProvider });
  await get(agent);
  assert.equal((await meter.collect()).value('evenkeel.requests'), 1);
  assert.ok(CHANNELS.every((name) => channel(name).hasSubscribers));

  stop();
  stop();
  assert.ok(!CHANNELS.some((name) => channel(name).hasSubscribers));
  await get(agent);
  await agent.close();
  const collected = await meter.collect();
  assert.equal(collected.value('evenkeel.requests'), 1);
  assert.deepEqual(collected.points('http.client.connection.duration'), []);
});

test('without a meter provider, the global one has the metrics', async (t) => {
  const meter = startMeter(t);
  metrics.setGlobalMeterProvider(meter.meterProvider);
  t.after(() => metrics.disable());
  t.after(instrument());
  const agent = startAgent(t, [await startPod(t)]);
  await get(agent);
  assert.equal((await meter.collect()).value('evenkeel.requests'), 1);
});

test('a meter provider has the metrics once, until that is stopped', async (t) => {
  const meter = startMeter(t);
  const { meterProvider } = meter;
  const stop = instrument({ meterProvider });
  assert.throws(() => instrument({ meterProvider }), /has the metrics of evenkeel already/);
  const agent = startAgent(t, [await startPod(t)]);
  await get(agent);
  assert.equal((await meter.collect()).value('evenkeel.requests'), 1);
  stop();
  t.after(instrument({ meterProvider }));
  // That it has been stopped once does not count against who began again.
  stop();
  assert.throws(() => instrument({ meterProvider }));
  await get(agent);
  assert.equal((await meter.collect()).value('evenkeel.requests'), 2);
});

test('without any meter provider a warning says that nothing is measured', async () => {
  const warned = once(process, 'warning');
  instrument()();
  const [warning] = (await warned) as [Error & { code: string }];
  assert.equal(warning.code, 'EVENKEEL_NO_METER_PROVIDER');
  assert.match(warning.message, /Start its SDK before you call instrument\(\)/);
  assert.ok(!CHANNELS.some((name) => channel(name).hasSubscribers));
});

async function collectOf(meter: Meter, name: string) {
  const points = (await meter.collect()).points(name);
  assert.ok(points.length > 0);
  return { points };
}
