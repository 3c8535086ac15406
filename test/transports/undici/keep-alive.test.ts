import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildConnector } from 'undici';
import { get, load, ORIGIN, startAgent } from '../../support/agent.ts';
import { FakeClock } from '../../support/clock.ts';
import { startPassingClock } from '../../support/passing-clock.ts';
import { type Pod, settle, startPods } from '../../support/pods.ts';
import { connectionsOf, hint, sayHint, share } from './hints.ts';

for (const value of ['timeout=0', 'timeout=1', 'timeout=2']) {
  test(`a pod that says Keep-Alive: ${value} changes nothing for the others`, (t) => sayHint(t, value));
}

test('a trickle to pods that keep no connection dials for its requests only', async (t) => {
  const clock = new FakeClock();
  const pods = await startPods(t, 5);
  for (const pod of pods) hint(pod, 'timeout=1');
  const agent = startAgent(t, pods, { clock });
  for (let n = 0; n < 50; n++) {
    await get(agent);
    await settle();
    clock.advance('10s');
  }
  assert.ok(connectionsOf(pods) <= 60, `${connectionsOf(pods)}`);
});

test('under least-request, a pod that keeps no connection has its share of many at once', (t) =>
  share(t, 'least-request', 1));

test('where no pod keeps connections, the next request finds one that was made when the last one had ended', async (t) => {
  const pods = await startPods(t, 3);
  for (const pod of pods) hint(pod, 'timeout=1');
  const dial = buildConnector({});
  let dialling = 0;
  const agent = startAgent(t, pods, {
    connect: (params, callback) => {
      dialling++;
      dial(params, (...result) => {
        dialling--;
        callback(...result);
      });
    },
  });
  let waited = 0;
  for (let n = 0; n < 8; n++) {
    const answer = get(agent);
    if (agent.stats[ORIGIN]?.queued !== 0) waited++;
    await answer;
    do await settle();
    while (dialling > 0);
  }
  // The first waits for its dial, and one or two more that come before it is known.
  assert.ok(waited > 0 && waited <= 3, `${waited} waited`);
});

test('bursts to pods that keep no connection make a dial for each request', async (t) => {
  const pods = await startPods(t, 5);
  for (const pod of pods) hint(pod, 'timeout=1');
  const agent = startAgent(t, pods);
  for (let n = 0; n < 3; n++) {
    await load(agent, 100, 100);
    await settle();
  }
  assert.ok(connectionsOf(pods) <= 360, `${connectionsOf(pods)}`);
});

for (const value of ['timeout=1', 'timeout=5']) {
  test(`a pod that says ${value}, and closes connections that are unused for a millisecond, is not dialled for nothing`, async (t) => {
    const clock = startPassingClock(t);
    const pods = await startPods(t, 5);
    for (const pod of pods) hint(pod, 'timeout=5');
    const [impatient] = pods as [Pod];
    hint(impatient, value);
    impatient.server.on('connection', (socket) => {
      const timer = clock.schedule(() => socket.destroy(), 1);
      socket.once('data', () => timer.cancel());
    });
    const agent = startAgent(t, pods, { clock });
    for (let n = 0; n < 100; n++) {
      await get(agent);
      await new Promise<void>((resolve) => void clock.schedule(resolve, 3));
    }
    const { requests, connections } = impatient;
    assert.ok(connections.length <= requests * 1.2 + 10, `${connections.length} for ${requests}`);
  });
}
