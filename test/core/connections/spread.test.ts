import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { BalancedAgentOptions } from '../../../src/config/options.ts';
import type { Pod } from '../../../src/core/connections/connection.ts';
import { MemoryService } from '../../support/memory-service.ts';
import { connect, startParts } from '../../support/pool-parts.ts';

/** A service whose one address stands for a pod behind it. */
function startVirtual(t: TestContext, options: BalancedAgentOptions = {}, multiplexes = false) {
  const service = new MemoryService(t, {
    pods: 1,
    isKnown: false,
    multiplexes,
    options: { originIdleTimeout: '1h', ...options },
  });
  service.resolver.set(service.pods, { virtual: true });
  service.allAnswerAfter(10);
  return {
    service,
    /** Requests at a steady rate, of which the first one finds nothing connected. */
    async run(perSecond: number, seconds: number) {
      const first = service.call();
      await service.run(20);
      return [first, ...(await service.load(perSecond * seconds, 1_000 / perSecond))];
    },
    dials: () => service.transport.dials.length,
    slots: () => new Set(service.transport.dials.map(({ target }) => (target as Pod).key)).size,
  };
}

for (const multiplexes of [false, true]) {
  test(`a busy client has 32 connections to a virtual IP within two seconds${multiplexes ? ', of HTTP/2 too' : ''}`, async (t) => {
    const { service, run, dials } = startVirtual(t, {}, multiplexes);
    await run(100, 2);
    assert.equal(service.open, 32);
    await run(100, 10);
    assert.equal(service.open, 32);
    assert.equal(dials(), 32);
  });
}

test('what is beyond the first eight is dialled one after the other, and no request waits for it', async (t) => {
  const { service, run } = startVirtual(t);
  const times: number[] = [];
  const dial = service.transport.dial.bind(service.transport);
  service.transport.dial = (...args) => {
    times.push(service.clock.now());
    return dial(...args);
  };
  const calls = await run(100, 3);
  assert.equal(times.length, 32);
  const later = times.slice(8).map((time, n) => time - times[n + 7]!);
  assert.ok(
    later.every((gap) => gap >= 40),
    later.join(),
  );
  assert.ok(calls.every(({ answered }) => answered));
});

test('a slow client has as many as its rate keeps alive, two requests each per keep-alive period', async (t) => {
  const { service, run } = startVirtual(t);
  // 28 in 4 s.
  await run(7, 10);
  assert.ok(service.open >= 12 && service.open <= 16, `${service.open}`);
  const trickle = startVirtual(t);
  await trickle.run(1, 20);
  assert.ok(trickle.service.open <= 3, `${trickle.service.open}`);
});

test('a burst that is over leads to no more connections than it needed', async (t) => {
  const { service, run, dials } = startVirtual(t);
  await run(100, 0.5);
  await service.run(9_500);
  assert.ok(dials() <= 8, `${dials()}`);
  await run(100, 0.5);
  await service.run(9_500);
  assert.ok(dials() <= 8, `${dials()}`);
});

test('when there are no requests any more, the next ones begin with as few as the first', async (t) => {
  const { service, run, dials } = startVirtual(t);
  await run(100, 3);
  const before = dials();
  // Idle connections of memory last until they reach their age.
  await service.run('60s');
  assert.equal(service.open, 0);
  const calls = await run(100, 0.5);
  assert.ok(dials() - before <= 8, `${dials() - before}`);
  await run(100, 2);
  assert.equal(service.open, 32);
  assert.ok(calls.every(({ answered }) => answered));
});

test('a pause ends no connections: those that are there serve the next requests', async (t) => {
  const { service, run, dials } = startVirtual(t);
  await run(100, 3);
  const before = dials();
  for (let pause = 0; pause < 3; pause++) {
    await service.run('8s');
    assert.equal(service.open, 32);
    await run(100, 3);
  }
  assert.equal(dials() - before, 0);
});

test('a burst every ten seconds finds what the last one used, at pods that keep idle connections longer than that', async (t) => {
  const { service } = startVirtual(t);
  for (const pod of service.pods) {
    pod.handshake = 5;
    pod.react = () => ({ name: 'answer', after: 10, headers: { 'keep-alive': 'timeout=75' } });
  }
  // The connections of the first one were made before a pod had said so.
  for (let n = 0; n < 20; n++) {
    const calls = service.burst(50);
    await service.run('10s');
    const waited = calls.filter(({ waits }) => waits > 0).length;
    assert.equal(waited, n === 0 ? 50 : 0, `burst ${n}: ${waited} waited`);
    assert.ok(service.open <= 50 + 2 * 5, `${service.open}`);
  }
});

test('a number fixes it, and maxSpread bounds it', async (t) => {
  const fixed = startVirtual(t, { spread: 5 });
  await fixed.run(100, 5);
  assert.equal(fixed.service.open, 5);
  const bounded = startVirtual(t, { maxSpread: 40 });
  await bounded.run(100, 5);
  assert.equal(bounded.service.open, 20);
  // There were eight before there was anything to bound.
  const least = startVirtual(t, { maxSpread: 4 });
  await least.run(100, 5);
  assert.equal(least.service.open, 8);
});

test('pods that are seen are taken for what they are', async (t) => {
  const service = new MemoryService(t, { pods: 3 });
  service.allAnswerAfter(1);
  await service.load(500, 10);
  assert.equal(service.open, 3);
});

test('where no connection lasts, no rate keeps more than eight alive', () => {
  const { clock, demand, pods, spread, upkeep } = startParts({ virtual: true, count: 8 });
  for (const pod of pods) {
    connect(pod);
    upkeep.onKeepAlive(pod, 1);
  }
  for (let n = 0; n < 200; n++) {
    demand.taken++;
    upkeep.start();
    clock.advance(20);
  }
  assert.equal(spread.slots, 8);
  upkeep.stop();
});
