import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { Agent, buildConnector } from 'undici';
import type { Clock } from '../../../src/core/base/clock.ts';
import { get, load, ORIGIN, startAgent } from '../../support/agent.ts';
import { startPassingClock } from '../../support/passing-clock.ts';
import { type Pod, settle, startPods } from '../../support/pods.ts';
import { answerAfter, assertConnections, burst, connectionsOf } from './bursts.ts';

/** Dials that take as long as this, by that clock. */
function slowDials(milliseconds: number, clock: Clock) {
  const dial = buildConnector({});
  const dials = {
    made: 0,
    connect: ((params, callback) => {
      dials.made++;
      clock.schedule(() => dial(params, callback), milliseconds);
    }) as buildConnector.connector,
  };
  return dials;
}

test('a cold burst of 1,000 short requests makes a fifth of the connections', async (t) => {
  await assertConnections(t, 300, 5, (pods) => burst(startAgent(t, pods), 1_000));
});

test('requests that come while the first dial is under way go to all pods', async (t) => {
  const pods = await startPods(t, 4);
  const dial = buildConnector({});
  const held: (() => void)[] = [];
  let isHeld = true;
  const connect: buildConnector.connector = (params, callback) => {
    if (isHeld) held.push(() => dial(params, callback));
    else dial(params, callback);
  };
  const agent = startAgent(t, pods, { connect });
  const first = get(agent);
  while (held.length === 0) await settle();
  const others = burst(agent, 11);
  while (held.length < 4) await settle();
  isHeld = false;
  for (const release of held) release();
  await Promise.all([first, others]);
  const requests = pods.map((pod) => pod.requests);
  assert.ok(Math.min(...requests) >= 2, `${requests}`);
});

test('long requests have a connection each within milliseconds', async (t) => {
  const pods = await startPods(t, 5);
  const agent = startAgent(t, pods);
  const sent = burst(agent, 300, ORIGIN, '/slow');
  while (pods.reduce((sum, { requests }) => sum + requests, 0) < 300) await settle();
  for (const pod of pods) pod.release('/slow');
  await sent;
  assert.equal(connectionsOf(pods), 300);
});

test('slow handshakes don’t follow one another: a burst is as fast as stock’s', async (t) => {
  const [pod] = (await startPods(t, 1)) as [Pod];
  const [other] = (await startPods(t, 1)) as [Pod];
  // None is answered before all have come, so that each has a connection of its own.
  for (const one of [pod, other]) {
    const held: ServerResponse[] = [];
    one.respond = (_request, response) => {
      if (held.push(response) === 200) for (const each of held) each.end();
    };
  }
  const clock = startPassingClock(t);
  const dials = slowDials(200, clock);
  const agent = startAgent(t, [pod], { connect: dials.connect, clock });
  const stock = new Agent({ connect: slowDials(200, clock).connect });
  t.after(() => stock.destroy());
  const [ours, their] = await Promise.all([
    burst(agent, 200).then(() => clock.now()),
    burst(stock, 200, `http://${other.address}:${other.port}`).then(() => clock.now()),
  ]);
  assert.equal(dials.made, 200);
  // Four rounds more than stock, of a few milliseconds each; six times as many in a row would be a second.
  assert.ok(ours < their * 1.5, `${ours} ms, stock ${their} ms`);
});

test('a pod that never ends its dials takes none from the others', async (t) => {
  const pods = await startPods(t, 4);
  const [dead] = pods as [Pod];
  const dial = buildConnector({});
  const agent = startAgent(t, pods, {
    connect: (params, callback) => {
      if (params.hostname !== dead.address) dial(params, callback);
    },
  });
  assert.ok((await burst(agent, 200)) < 1_500);
});

test('after all dials have failed, the first that succeeds serves those that wait', async (t) => {
  const pods = await startPods(t, 2);
  const dial = buildConnector({});
  let refuses = true;
  const agent = startAgent(t, pods, {
    connect: (params, callback) => {
      if (!refuses) dial(params, callback);
      else setImmediate(() => callback(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), null));
    },
  });
  const failed = await Promise.allSettled(Array.from({ length: 100 }, () => get(agent)));
  for (const { status } of failed) assert.equal(status, 'rejected');
  refuses = false;
  await burst(agent, 100);
});

test('with a limit, dispatch returns false for the request that takes the last connection, dialled yet or not', async (t) => {
  const [pod] = (await startPods(t, 1)) as [Pod];
  const agent = startAgent(t, [pod], { connections: 40 });
  await get(agent);
  const returned: boolean[] = [];
  const ended = Array.from({ length: 45 }, (_, n) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    returned.push(
      agent.dispatch(
        { origin: ORIGIN, path: `/slow/${n}`, method: 'GET' },
        {
          onRequestStart() {},
          onResponseStart() {},
          onResponseData() {},
          onResponseEnd: () => resolve(),
          onResponseError: (_controller, error) => reject(error),
        },
      ),
    );
    return promise;
  });
  assert.deepEqual(returned, [...Array(39).fill(true), ...Array(6).fill(false)]);
  while (pod.requests < 41) await once(pod, 'request');
  for (let n = 0; n < 45; n++) {
    while (!pod.paths.includes(`/slow/${n}`)) await once(pod, 'request');
    pod.release(`/slow/${n}`);
  }
  await Promise.all(ended);
  assert.equal(pod.connections.length, 40);
});

test('requests for which dials begin a moment later don’t fill the queue', async (t) => {
  const pods = await startPods(t, 2);
  const agent = startAgent(t, pods, { maxPendingRequests: 10 });
  await get(agent);
  await burst(agent, 200);
  const limited = startAgent(t, pods, { maxPendingRequests: 10, connections: 50 });
  await get(limited);
  await burst(limited, 110);
  await assert.rejects(burst(limited, 200), { code: 'EVENKEEL_QUEUE_FULL' });
});

test('keys that lead to one pod make no storm of dials to it', async (t) => {
  const ringHash = { key: ({ path }: { path: string }) => path, balanceFactor: 0 };
  await assertConnections(t, 300, 3, (pods) => {
    const agent = startAgent(t, pods, { policy: 'ring-hash', ringHash });
    return burst(agent, 500, ORIGIN, '/one');
  });
});

test('a queue that never ends is not taken for one that drains: as many at once have as many connections', async (t) => {
  const pods = await startPods(t, 5);
  answerAfter(pods, 5);
  const agent = startAgent(t, pods);
  await load(agent, 2_000, 50);
  const { endpoints } = agent.stats[ORIGIN]!;
  const open = endpoints.reduce((sum, { connections }) => sum + connections, 0);
  assert.ok(open >= 50, `${open}`);
});

test('requests that wait are dialled for once each, though some pods are connected before others', async (t) => {
  const clock = startPassingClock(t);
  const pods = await startPods(t, 5);
  for (const pod of pods) {
    pod.respond = (_request, response) => void clock.schedule(() => response.end(), 300);
  }
  const dial = buildConnector({});
  let dials = 0;
  const agent = startAgent(t, pods, {
    clock,
    connect: (params, callback) => {
      clock.schedule(() => dial(params, callback), 20 * (dials++ % 5));
    },
  });
  await burst(agent, 200);
  assert.ok(dials <= 200, `${dials}`);
});
