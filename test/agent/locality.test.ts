import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildConnector } from 'undici';
import { LeastRequest } from '../../src/core/balancing/least-request.ts';
import { Locality, type Located, localShares, OWN_ZONE } from '../../src/core/balancing/locality.ts';
import { LocalityPicker } from '../../src/core/balancing/locality-picker.ts';
import type { BalancedAgent } from '../../src/transports/undici/agent.ts';
import { load, ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { FakeClock } from '../support/clock.ts';
import { settle, startPods } from '../support/pods.ts';

const sum = (numbers: readonly number[]): number => numbers.reduce((all, number) => all + number, 0);

test('where the own zone has its share of the endpoints, all requests stay in it', () => {
  assert.deepEqual(localShares([0, 3, 3, 3], 3, 1), [0, 1, 0, 0]);
  assert.deepEqual(localShares([0, 5, 3, 3], 3, 1), [0, 1, 0, 0]);
});

test('what the own zone can’t take goes to zones with room to spare', () => {
  const [, near, second, third] = localShares([0, 2, 3, 4], 3, 1);
  assert.ok(Math.abs(near! - 2 / 3) < 1e-9);
  assert.equal(second, 0);
  assert.ok(Math.abs(third! - 1 / 3) < 1e-9);
});

test('with no endpoint near, others serve', () => {
  assert.deepEqual(localShares([0, 0, 3, 3], 3, 1).slice(0, 2), [0, 0]);
  assert.ok(Math.abs(sum(localShares([0, 0, 3, 3], 3, 1)) - 1) < 1e-9);
  assert.deepEqual(localShares([0, 0, 0], 2, 1), [0, 1, 0]);
});

test('the own node comes first, as far as it has its share', () => {
  // Of nine nodes with one endpoint each, one is ours: it can take all that we send.
  assert.deepEqual(localShares([1, 2, 3, 3], 3, 9), [1, 0, 0, 0]);
  // Of three nodes, two of them with four endpoints.
  const [node, zone] = localShares([1, 4, 4], 2, 3);
  assert.ok(Math.abs(node! - 1 / 3) < 1e-9);
  assert.ok(Math.abs(node! + zone! - 1) < 1e-9);
});

interface Pod extends Located {
  readonly name: string;
  readonly zone: string;
  requests: number;
}

/** Requests after which it is known that all zones serve. */
const WARM_UP = 100;

/** Sends requests from each of three zones to the pods of all three, and says how many stayed in their zone. */
function simulate(pods: readonly Omit<Pod, keyof Located | 'requests'>[], requests: number) {
  const served = new Map<string, number>();
  let local = 0;
  for (const zone of ['a', 'b', 'c']) {
    const locality = new Locality('zone', { zone }, () => 0.3);
    const mine: Pod[] = pods.map((pod) => ({
      ...pod,
      level: OWN_ZONE,
      load: 0,
      weight: 1,
      slot: undefined,
      inFlight: 0,
      unanswered: 0,
      lagging: false,
      requests: 0,
    }));
    locality.update(
      mine.map((pod) => ({ address: pod.name, port: 80, zone: pod.zone })),
      undefined,
    );
    const picker = new LocalityPicker<Pod>(locality, () => new LeastRequest(), true);
    for (const pod of mine) {
      pod.level = locality.levelOf(pod);
      picker.add(pod);
    }
    locality.weigh(mine);
    const open: Pod[] = [];
    for (let n = -WARM_UP; n < requests; n++) {
      const pod = picker.pick()!;
      picker.used(pod);
      (pod as { load: number }).load++;
      (pod as { inFlight: number }).inFlight++;
      pod.unanswered++;
      picker.update(pod);
      open.push(pod);
      if (n >= 0) served.set(pod.name, (served.get(pod.name) ?? 0) + 1);
      if (n >= 0 && pod.zone === zone) local++;
      if (open.length < 12) continue;
      const done = open.shift()!;
      (done as { load: number }).load--;
      (done as { inFlight: number }).inFlight--;
      locality.served(done);
      done.unanswered = 0;
      picker.update(done);
    }
  }
  const counts = [...served.values()];
  return { local: local / requests / 3, most: Math.max(...counts) / (sum(counts) / pods.length) };
}

const zonesOf = (...sizes: number[]) =>
  sizes.flatMap((size, zone) =>
    Array.from({ length: size }, (_, n) => ({ name: `${'abc'[zone]}${n}`, zone: 'abc'[zone]! })),
  );

test('a zone without a share comes after those that have one', () => {
  const locality = new Locality('zone', { zone: 'a' }, () => 0.3);
  locality.update(
    ['a', 'b', 'c'].map((zone, n) => ({ address: `10.0.0.${n}`, port: 80, zone })),
    undefined,
  );
  const picker = new LocalityPicker<Pod>(locality, () => new LeastRequest(), true);
  const [near, second, third] = zonesOf(1, 1, 1).map((pod) => {
    const level = locality.levelOf(pod);
    return { ...pod, level, load: 0, weight: 1, slot: undefined, requests: 0 };
  }) as [Pod, Pod, Pod];
  // What is near fails; of the others, the one whose turn it is has no connection free.
  locality.weigh([second, third]);
  picker.add(near);
  picker.add(locality.preferred === second.level ? third : second);
  assert.notEqual(picker.pick(), near);
});

test('zones of three, three and three keep all requests', () => {
  const { local, most } = simulate(zonesOf(3, 3, 3), 3_000);
  assert.equal(local, 1);
  assert.ok(most < 1.01, String(most));
});

test('with one pod lost, as many requests stay in their zone as its pods can take', () => {
  const { local, most } = simulate(zonesOf(2, 3, 3), 3_000);
  // Of the zone with two of eight pods, 2/8 of all requests, which are 3/4 of its own; of the others, all.
  assert.ok(Math.abs(local - (0.75 + 1 + 1) / 3) < 0.005, String(local));
  assert.ok(most < 1.02, String(most));
});

test('an agent keeps to its zone, and goes elsewhere when its pods are gone', async (t) => {
  const pods = await startPods(t, 4);
  const located = pods.map((pod, n) => ({
    endpoint: { ...pod.endpoint, zone: n < 2 ? 'here' : 'there' },
  }));
  const resolver = new ManualResolver(located);
  const agent = startAgent(t, [], {
    discovery: resolver.resolve,
    locality: 'zone',
    kubernetes: { zone: 'here' },
  });
  await load(agent, 100, 4);
  // While connections near are being made, those that are free elsewhere serve.
  assert.ok(pods[2]!.requests + pods[3]!.requests <= 10);
  assert.ok(agent.stats[ORIGIN]!.crossZone! <= 0.1);
  await Promise.all([pods[0]!.kill(), pods[1]!.kill()]);
  await load(agent, 50, 4);
  assert.ok(pods[2]!.requests + pods[3]!.requests >= 50);
  assert.ok(agent.stats[ORIGIN]!.crossZone! > 0.2);
});

test('a resolver may know where we are', async (t) => {
  const pods = await startPods(t, 2);
  const located = pods.map((pod, n) => ({ endpoint: { ...pod.endpoint, nodeName: `node-${n}` } }));
  const resolver = new ManualResolver();
  resolver.set(located, { here: { nodeName: 'node-1' } });
  const agent = startAgent(t, [], { discovery: resolver.resolve, locality: 'node' });
  await load(agent, 50, 2);
  assert.ok(pods[0]!.requests <= 5);
});

test('where zones are not known, nothing is preferred', async (t) => {
  const pods = await startPods(t, 2);
  const resolver = new ManualResolver([{ endpoint: { ...pods[0]!.endpoint, zone: 'here' } }, pods[1]!]);
  const agent = startAgent(t, [], {
    discovery: resolver.resolve,
    locality: 'zone',
    kubernetes: { zone: 'here' },
    policy: 'round-robin',
  });
  await load(agent, 100, 4);
  assert.ok(pods.every(({ requests }) => requests > 20));
});

test('with weights of 1 near and 3 elsewhere, half of the requests go elsewhere', async (t) => {
  const pods = await startPods(t, 2);
  const located = pods.map((pod, n) => ({
    endpoint: { ...pod.endpoint, zone: n < 1 ? 'here' : 'there', weight: n < 1 ? 1 : 3 },
  }));
  const resolver = new ManualResolver(located);
  const agent = startAgent(t, [], {
    discovery: resolver.resolve,
    locality: 'zone',
    kubernetes: { zone: 'here' },
  });
  await load(agent, 20);
  const before = pods[0]!.requests;
  await load(agent, 200);
  assert.ok(Math.abs(pods[0]!.requests - before - 100) <= 2, `${pods[0]!.requests - before} near`);
});

test('a zone whose pods get no answers out has no more than a few requests that wait', async (t) => {
  const pods = await startPods(t, 6);
  const located = pods.map((pod, n) => ({ endpoint: { ...pod.endpoint, zone: ['a', 'b', 'c'][n >> 1]! } }));
  const resolver = new ManualResolver(located);
  const agent = startAgent(t, [], {
    discovery: resolver.resolve,
    locality: 'zone',
    kubernetes: { zone: 'a' },
  });
  await load(agent, 100, 2);
  const near = pods.slice(0, 2);
  for (const pod of near) pod.respond = () => {};
  const before = near.reduce((all, { requests }) => all + requests, 0);
  const arrived = () => near.reduce((all, { requests }) => all + requests, 0) - before;
  const abort = new AbortController();
  let served = 0;
  for (let n = 0; n < 100; n++) {
    agent.request({ origin: ORIGIN, path: '/', method: 'GET', signal: abort.signal }).then(
      async ({ body }) => {
        await body.dump();
        served++;
      },
      () => {},
    );
    while (served + arrived() <= n) await settle();
  }
  abort.abort();
  assert.ok(arrived() <= 16, `${arrived()} requests are stuck`);
  assert.ok(served >= 80, `${served} were served`);
});

test('callers who have enough with the head of a response are served near', async (t) => {
  const pods = await startPods(t, 6);
  for (const pod of pods) pod.respond = (_request, response) => response.write('and so on');
  const located = pods.map((pod, n) => ({ endpoint: { ...pod.endpoint, zone: ['a', 'b', 'c'][n >> 1]! } }));
  const agent = startAgent(t, [], {
    discovery: new ManualResolver(located).resolve,
    locality: 'zone',
    kubernetes: { zone: 'a' },
    policy: 'round-robin',
  });
  const peek = async (count: number) => {
    for (let n = 0; n < count; n++) {
      const abort = new AbortController();
      const { body } = await agent.request({
        origin: ORIGIN,
        path: '/',
        method: 'GET',
        signal: abort.signal,
      });
      body.on('error', () => {});
      abort.abort();
    }
  };
  await peek(20);
  const near = () => pods[0]!.requests + pods[1]!.requests;
  const before = near();
  await Promise.all([peek(50), peek(50)]);
  // An abort costs the connection, and others serve while a new one is made: some, and more where that is slow. Were a
  // zone whose callers have had enough taken for one that does not answer, it would have a third.
  assert.ok(near() - before >= 66, `${near() - before} of 100`);
});

/** How many of so many requests, ten at a time, don't come back with 200. */
async function failuresOf(agent: BalancedAgent, count: number): Promise<number> {
  let failed = 0;
  const ask = async () => {
    const { statusCode, body } = await agent.request({ origin: ORIGIN, path: '/', method: 'GET' });
    await body.dump();
    if (statusCode !== 200) failed++;
  };
  for (let n = 0; n < count; n += 10) await Promise.all(Array.from({ length: 10 }, ask));
  return failed;
}

test('where the pods near fail and are out, those elsewhere serve, though so few are left that all may', async (t) => {
  const pods = await startPods(t, 7);
  const zoned = pods.map(({ endpoint }, n) => ({ endpoint: { ...endpoint, zone: n < 4 ? 'a' : 'b' } }));
  const resolver = new ManualResolver(pods);
  const agent = startAgent(t, [], {
    discovery: resolver.resolve,
    locality: 'zone',
    kubernetes: { zone: 'a' },
    policy: 'round-robin',
    outlierDetection: { maxEjectionPercent: 100, baseEjectionTime: '1h', maxEjectionTime: '1h' },
  });
  const countFailed = (count: number) => failuresOf(agent, count);
  const ejected = () => agent.stats[ORIGIN]!.endpoints.filter(({ state }) => state === 'ejected').length;
  // All are connected before it is known where they are.
  await countFailed(200);
  assert.ok(pods.every(({ requests }) => requests > 0));
  resolver.set(zoned);
  await settle();
  for (const [n, pod] of pods.slice(0, 4).entries()) {
    pod.respond = (_request, response) => {
      response.statusCode = 503;
      response.end('no');
    };
    for (let asked = 0; ejected() <= n && asked < 50; asked++) await countFailed(10);
    assert.equal(ejected(), n + 1);
  }
  const failed = await countFailed(100);
  assert.ok(failed < 10, `${failed} of 100 failed`);
});

test('where the pods near are out, those elsewhere are connected that never were, with few dials', async (t) => {
  const pods = await startPods(t, 7);
  const near = pods.slice(0, 4);
  const zoned = pods.map((pod) => ({ endpoint: { ...pod.endpoint, zone: near.includes(pod) ? 'a' : 'b' } }));
  const connector = buildConnector({});
  let dials = 0;
  const agent = startAgent(t, [], {
    discovery: new ManualResolver(zoned).resolve,
    locality: 'zone',
    kubernetes: { zone: 'a' },
    retry: false,
    // It stands still, so that nothing is connected but for requests.
    clock: new FakeClock(),
    outlierDetection: { maxEjectionPercent: 100 },
    connect: (options, callback) => {
      if (near.some(({ address }) => address === options.hostname)) {
        connector(options, callback);
        return;
      }
      dials++;
      setTimeout(() => connector(options, callback), 100);
    },
  });
  const countFailed = (count: number) => failuresOf(agent, count);
  await countFailed(20);
  for (const pod of near) pod.respond = (_request, response) => response.writeHead(503).end();
  let served = 0;
  for (const until = performance.now() + 10_000; served < 10 && performance.now() < until; )
    served = 10 - (await countFailed(10));
  assert.equal(served, 10);
  assert.ok(dials <= 30, `${dials} dials`);
});
