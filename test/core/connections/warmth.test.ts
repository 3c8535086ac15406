import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveSettings } from '../../../src/config/resolve-settings.ts';
import { Demand } from '../../../src/core/base/demand.ts';
import { Pool } from '../../../src/core/connections/pool.ts';
import { WarmSet } from '../../../src/core/connections/warm-set.ts';
import { Warmth } from '../../../src/core/connections/warmth.ts';
import { FakeClock } from '../../support/clock.ts';
import { podOf } from '../../support/endpoints.ts';
import { MemoryTransport } from '../../support/memory-transport.ts';
import { connect } from '../../support/pool-parts.ts';

const startEndpoints = (count: number) => Array.from({ length: count }, (_, n) => podOf(n));

function startWarmth(count: number, keepAlive = 3_000) {
  const clock = new FakeClock();
  const endpoints = startEndpoints(count);
  const heard: number[] = [];
  const state = { demand: 0, failing: 0 };
  const requests = new Demand();
  const warmth = new Warmth(new WarmSet('client'), keepAlive, requests);
  warmth.replace(endpoints);
  warmth.resize(0, 0);
  const warm = () => endpoints.filter((endpoint) => endpoint.warm).length;
  // As the pool does.
  const tickLater = () => clock.schedule(tick, warmth.step);
  const tick = () => {
    if (warmth.tick(state.demand, state.failing, () => heard) === undefined) return;
    tickLater();
    warmth.advance();
  };
  /** A request to an endpoint with that load. */
  const ask = (load: number) => {
    requests.taken++;
    if (warmth.start()) tickLater();
    if (warmth.isShort(load)) warmth.grow();
  };
  /** Requests at a steady rate, each of which finds its endpoint idle. */
  const run = (perSecond: number, seconds: number) => {
    for (let n = 0; n < perSecond * seconds; n++) {
      ask(0);
      clock.advance(1_000 / perSecond);
    }
  };
  return { ask, clock, endpoints, heard, state, warmth, warm, run };
}

/** A pool over a transport of memory whose idle connections last so long. */
function startPool(count: number, keepAlive: number) {
  const clock = new FakeClock();
  const transport = new MemoryTransport(false, keepAlive);
  const told = { quiet: 0 };
  const demand = new Demand();
  const pool = new Pool({
    settings: resolveSettings({ clock, random: () => 0.5 }, {}),
    origin: 'http://orders.prod',
    transport,
    demand,
    identity: 'client',
    discovery: { onUnreachable: () => false },
    onDialFailed() {},
  });
  pool.upkeep.watch(() => void told.quiet++);
  const endpoints = startEndpoints(count).map(({ info }) => info);
  pool.update({ endpoints, source: 'test' });
  const run = (perSecond: number, seconds: number) => {
    for (let n = 0; n < perSecond * seconds; n++) {
      demand.taken++;
      pool.upkeep.start();
      clock.advance(1_000 / perSecond);
    }
  };
  return { clock, pool, run, told, transport };
}

test('a trickle keeps one endpoint warm', () => {
  const { warm, run } = startWarmth(10);
  run(0.5, 20);
  assert.equal(warm(), 1);
});

test('each warm endpoint has about two requests in the time that an idle connection lasts', () => {
  const { warm, run } = startWarmth(100);
  run(10, 10);
  // 30 requests in 3 s, with some slack so that it doesn't flutter.
  assert.ok(warm() >= 13 && warm() <= 22, String(warm()));
});

test('a busy client has every endpoint warm within a second', () => {
  const { warm, run } = startWarmth(100);
  run(500, 1);
  assert.equal(warm(), 100);
});

test('the set shrinks within seconds of the rate, and keeps one to the end', () => {
  const { warm, run, clock } = startWarmth(100);
  run(500, 2);
  run(1, 5);
  assert.ok(warm() <= 4, String(warm()));
  clock.advance('1m');
  assert.ok(warm() >= 1);
});

test('requests that are in flight keep as many warm, however few come', () => {
  const { ask, warm, run, state } = startWarmth(20);
  state.demand = 12;
  for (let n = 0; n < 12; n++) ask(1);
  run(1, 10);
  assert.ok(warm() >= 12, String(warm()));
});

test('endpoints that cannot be reached do not count', () => {
  const { warm, run, state } = startWarmth(20);
  state.failing = 3;
  run(0.5, 10);
  assert.equal(warm(), 4);
});

test('quiet is told once, after a while without requests', () => {
  const { clock, run, told } = startPool(3, 3_000);
  run(2, 3);
  assert.equal(told.quiet, 0);
  clock.advance('1m');
  assert.equal(told.quiet, 1);
  assert.equal(clock.pending, 0);
});

test('without requests there is no traffic any more', () => {
  const { run, clock, warmth } = startWarmth(3);
  run(2, 3);
  assert.equal(warmth.active, true);
  clock.advance('1m');
  assert.equal(warmth.active, false);
  assert.equal(clock.pending, 0);
});

test('connections that nobody would keep alive are not made again', () => {
  const brief = startPool(3, 50);
  brief.run(2, 1);
  const { length } = brief.transport.dials;
  brief.run(2, 5);
  assert.equal(brief.transport.dials.length, length);
  // Where they last, those that end are made again: nobody waits for these, so that they are given up.
  const lasting = startPool(3, 3_000);
  lasting.run(2, 1);
  const before = lasting.transport.dials.length;
  lasting.run(2, 5);
  assert.ok(lasting.transport.dials.length > before);
});

test('many small clients cover all endpoints evenly', () => {
  const CLIENTS = 2_000;
  const counts = new Map<string, number>();
  for (let client = 0; client < CLIENTS; client++) {
    const endpoints = startEndpoints(20);
    const set = new WarmSet(`client-${client}`);
    set.replace(endpoints);
    const { key } = set.grow()!;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  // 100 each on average, and a standard deviation of 10: four of them to either side.
  assert.equal(counts.size, 20);
  for (const count of counts.values()) assert.ok(count > 60 && count < 140, String(count));
});

test('one endpoint more moves a client only to that one', () => {
  let moved = 0;
  for (let client = 0; client < 500; client++) {
    const endpoints = startEndpoints(20);
    const set = new WarmSet(`client-${client}`);
    set.replace(endpoints.slice(0, 19));
    const before = set.grow()!;
    set.replace(endpoints.slice(19));
    const after = endpoints.find(({ warm }) => warm)!;
    if (before === after) continue;
    moved++;
    assert.equal(after, endpoints[19]);
  }
  assert.ok(moved < 60, String(moved));
});

test('rotation moves on to other endpoints in time', () => {
  const { endpoints, warmth, run } = startWarmth(10);
  run(0.5, 4);
  const seen = new Set<string>();
  for (let n = 0; n < 10; n++) {
    const current = endpoints.find(({ warm }) => warm)!;
    seen.add(current.key);
    warmth.rotate(current);
  }
  assert.equal(seen.size, 10);
});

test('what keeps no connections is warm only when all others are', () => {
  const endpoints = startEndpoints(4);
  const set = new WarmSet('client');
  set.replace(endpoints);
  const first = set.grow()!;
  connect(first);
  set.setFleeting(first, true);
  assert.equal(first.warm, false);
  for (let n = 0; n < 2; n++) assert.notEqual(set.grow(), first);
  assert.equal(set.grow(), first);
});

test('what one endpoint says of its connections changes the size of the warm set for no other', () => {
  const { endpoints, heard, warm, warmth, run } = startWarmth(5);
  for (const endpoint of endpoints) {
    connect(endpoint);
    warmth.learn(endpoint, 3_000);
  }
  warmth.learn(endpoints[0]!, 1);
  heard.push(...endpoints.map(({ keepAlive }) => keepAlive!));
  run(20, 5);
  assert.equal(warm(), 5);
});

test('one that keeps its connections for a second does not speak for those that keep them longer', () => {
  const { endpoints, heard, warm, warmth, run } = startWarmth(5);
  for (const endpoint of endpoints) {
    connect(endpoint);
    warmth.learn(endpoint, 3_000);
  }
  warmth.learn(endpoints[0]!, 1_000);
  heard.push(...endpoints.map(({ keepAlive }) => keepAlive!));
  // Two requests a second keep three connections alive that last for three seconds, and one that lasts for one.
  run(2, 10);
  assert.ok(warm() >= 3, `${warm()}`);
});
