import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { buildConnector } from 'undici';
import { ClientWire } from '../../../src/transports/undici/client-wire.ts';
import { Suspicion } from '../../../src/transports/undici/unasked-bytes.ts';
import { get, ORIGIN, startAgent } from '../../support/agent.ts';
import { FakeClock } from '../../support/clock.ts';
import { podOf } from '../../support/endpoints.ts';
import { settle, startPod } from '../../support/pods.ts';
import { connect as connectTo } from '../../support/pool-parts.ts';

test('after a burst of 100, as many connections are renewed as are still used', async (t) => {
  const clock = new FakeClock();
  // So that what is idle stays, and only ages end connections.
  const pod = await startPod(t, { keepAliveTimeout: 600_000 });
  const agent = startAgent(t, [pod], { maxConnectionDuration: '2s', clock });
  const burst = Array.from({ length: 100 }, () =>
    agent.request({ origin: ORIGIN, path: '/slow', method: 'GET' }),
  );
  while (pod.requests < 100) await once(pod, 'request');
  pod.release('/slow');
  await Promise.all((await Promise.all(burst)).map(({ body }) => body.dump()));

  for (let n = 0; n < 40; n++) {
    clock.advance(50);
    await get(agent);
  }
  const more = pod.connections.length - 100;
  assert.ok(more >= 1 && more <= 4, `${more} successors`);
});

test('connections that are all in use are all renewed, and no request waits for that', async (t) => {
  const clock = new FakeClock();
  const pod = await startPod(t, { keepAliveTimeout: 600_000 });
  const dial = buildConnector({});
  let dialled = 0;
  let connected = 0;
  const agent = startAgent(t, [pod], {
    maxConnectionDuration: '60s',
    clock,
    connect: (params, callback) => {
      dialled++;
      dial(params, (...result) => {
        connected++;
        callback(...result);
      });
    },
  });
  const round = async (path: string) => {
    const before = pod.requests;
    const sent = Array.from({ length: 10 }, () => agent.request({ origin: ORIGIN, path, method: 'GET' }));
    while (pod.requests < before + 10) await once(pod, 'request');
    pod.release(path);
    await Promise.all((await Promise.all(sent)).map(({ body }) => body.dump()));
  };
  await round('/slow');
  let waitedFor = 0;
  for (let second = 0; second < 120; second++) {
    clock.advance(1_000);
    while (connected < dialled) await settle();
    const before = dialled;
    await round(`/slow/${second}`);
    waitedFor += dialled - before;
  }
  assert.ok(dialled >= 20, `${dialled} dials`);
  assert.equal(waitedFor, 0);
});

test('a request that comes when the only connection is about to retire has a successor made', async (t) => {
  const clock = new FakeClock();
  const pod = await startPod(t, { keepAliveTimeout: 10_000 });
  const agent = startAgent(t, [pod], { maxConnectionDuration: '20s', connectionDurationJitter: 0, clock });
  await get(agent);
  // Unused for so long that it would not have been renewed.
  clock.advance(19_000);
  assert.equal(pod.connections.length, 1);
  const connected = once(pod, 'connection');
  await get(agent);
  await connected;
});

test('a connection is said to retire once, and to close once', async (t) => {
  const said: string[] = [];
  const clock = new FakeClock();
  const pod = await startPod(t);
  const socket = connect(pod.endpoint.port, pod.endpoint.address);
  await once(socket, 'connect');
  const wire = new ClientWire(socket, '127.0.0.1:80', {
    url: new URL(ORIGIN),
    client: {},
    clock,
    helloTimeout: 0,
    events() {},
    suspicion: new Suspicion(),
  });
  const connection = connectTo(podOf(1), {
    wire,
    clock,
    events: { onRetired: () => void said.push('retired'), onClosed: () => void said.push('closed') },
  });
  connection.retire('max-duration');
  await once(socket, 'close');
  assert.deepEqual(said, ['retired', 'closed']);
});
