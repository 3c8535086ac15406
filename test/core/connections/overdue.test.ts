import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Agent, buildConnector } from 'undici';
import { get, ManualResolver, ORIGIN, startAgent } from '../../support/agent.ts';
import { FakeClock } from '../../support/clock.ts';
import { settle, startPod, startPods } from '../../support/pods.ts';

/** Dials of which each fails while `refuses` is set. */
function startDials() {
  const connect = buildConnector({});
  const dials = {
    refuses: false,
    swallows: false,
    made: 0,
    connect: ((params, callback) => {
      dials.made++;
      if (dials.swallows) return;
      if (!dials.refuses) return void connect(params, callback);
      const error = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
      setImmediate(() => callback(error, null));
    }) as buildConnector.connector,
  };
  return dials;
}

for (const trouble of ['refuses', 'swallows'] as const) {
  test(`with the default cap, a pod that ${trouble} dials is served by the connections it has until it can be dialled`, async (t) => {
    const clock = new FakeClock();
    const dials = startDials();
    const pod = await startPod(t, { keepAliveTimeout: 3_600_000 });
    const agent = startAgent(t, [pod], { clock, connect: dials.connect, keepAliveMaxTimeout: 3_600_000 });
    const stock = new Agent({ connect: dials.connect, keepAliveMaxTimeout: 3_600_000 });
    t.after(() => stock.destroy());
    const ofStock = async () => {
      const { body } = await stock.request({
        origin: `http://${pod.address}:${pod.port}`,
        path: '/',
        method: 'GET',
      });
      return await body.text();
    };
    await Promise.all([get(agent), ofStock()]);
    dials[trouble] = true;
    // Well past five minutes.
    for (let n = 0; n < 200; n++) {
      clock.advance(3_000);
      await settle();
      assert.equal(await ofStock(), pod.address);
      assert.equal(await get(agent), pod.address);
    }
    assert.equal(pod.connections.length, 2);
    assert.ok(dials.made > 3, `${dials.made} dials`);
    dials[trouble] = false;
    for (let n = 0; n < 20; n++) {
      clock.advance(3_000);
      await settle();
      assert.equal(await get(agent), pod.address);
    }
    // One more, and the old one has gone.
    assert.equal(pod.connections.length, 3);
    while (pod.sockets.size > 2) await settle();
  });
}

test('a trickle to a name that is withdrawn loses no pod to the age of its connections', async (t) => {
  const clock = new FakeClock();
  const pods = await startPods(t, 3, { keepAliveTimeout: 3_600_000 });
  const resolver = new ManualResolver(pods);
  const agent = startAgent(t, [], { clock, discovery: resolver.resolve });
  for (let n = 0; n < 30; n++) await get(agent);
  resolver.set(pods, { withdrawn: true });
  await settle();
  // So seldom that most of the time nobody knows whose their addresses are: of what is connected, it is known.
  for (let n = 0; n < 200; n++) {
    clock.advance('4s');
    await get(agent);
  }
  for (const { sockets } of pods) assert.ok(sockets.size > 0);
});

test('a cap that was set holds, whether a successor could be made or not', async (t) => {
  const clock = new FakeClock();
  const dials = startDials();
  const pod = await startPod(t);
  const agent = startAgent(t, [pod], { clock, connect: dials.connect, maxConnectionDuration: '60s' });
  await get(agent);
  dials.refuses = true;
  clock.advance('61s');
  await pod.allClosed();
  await assert.rejects(get(agent), { code: 'ECONNREFUSED' });
});

test('while a name is withdrawn, pods that have just answered are dialled for connections that aborts have ended', async (t) => {
  const clock = new FakeClock();
  const [pod] = (await startPods(t, 1)) as [Awaited<ReturnType<typeof startPod>>];
  const resolver = new ManualResolver([pod]);
  const agent = startAgent(t, [], { clock, discovery: resolver.resolve, endpointTimeout: 1_000 });
  await get(agent);
  resolver.set([pod], { withdrawn: true });
  await settle();
  for (let n = 0; n < 10; n++) {
    const controller = new AbortController();
    const slow = agent.request({
      origin: ORIGIN,
      path: `/slow/${n}`,
      method: 'GET',
      signal: controller.signal,
    });
    await pod.received(`/slow/${n}`);
    controller.abort();
    await assert.rejects(slow);
    assert.equal(await get(agent), pod.address);
  }
  // Long after it has been heard, nobody knows whose the address is.
  for (const socket of pod.sockets) socket.destroy();
  while (agent.stats[ORIGIN]!.endpoints[0]!.state !== 'idle') await settle();
  clock.advance(1_000);
  const { length } = pod.connections;
  const late = get(agent);
  clock.advance(1_500);
  await assert.rejects(late, { code: 'EVENKEEL_NO_ENDPOINTS' });
  assert.equal(pod.connections.length, length);
});
