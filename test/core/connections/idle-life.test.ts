// How long endpoints keep idle connections that never say so.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { IdleLife } from '../../../src/core/connections/idle-life.ts';
import { MemoryService, type MemoryServiceOptions } from '../../support/memory-service.ts';

function learned(...ends: number[]): IdleLife {
  const life = new IdleLife();
  for (const idle of ends) life.onEnd(idle);
  return life;
}

test('one end of an idle connection tells nothing, two tell when the next is near', () => {
  assert.equal(learned(2_000).isNearEnd(1_999), false);
  const life = learned(2_000, 2_010);
  assert.equal(life.isNearEnd(1_500), false);
  assert.equal(life.isNearEnd(1_510), true);
  assert.equal(life.isNearEnd(2_500), true, 'its end may be on the way');
});

test('an end that came early, or was noticed late, changes nothing', () => {
  const life = learned(2_000, 2_010, 3, 9_000);
  assert.equal(life.isNearEnd(1_400), false);
  assert.equal(life.isNearEnd(1_600), true);
});

test('a request that may be sent twice uses a connection until moments before its end', () => {
  const life = learned(2_000, 2_000);
  assert.equal(life.isNearEnd(1_979, { repeatable: true }), false);
  assert.equal(life.isNearEnd(1_979, { repeatable: false }), true);
  assert.equal(life.isNearEnd(1_980, { repeatable: true }), true);
});

test('where idle connections last for milliseconds only, they are used for the first half of the time', () => {
  const life = learned(20, 20);
  assert.equal(life.isNearEnd(9), false);
  assert.equal(life.isNearEnd(10), true);
});

test('what outlives its known time three times was ended for another reason', () => {
  const life = learned(300, 300);
  for (let times = 0; times < 3; times++) assert.equal(life.isNearEnd(1_000), false);
  assert.equal(life.isNearEnd(290), false);
});

test('connections that are not kept at all tell nothing of those that idle', () => {
  const life = learned(1, 1, 9, 9);
  assert.equal(life.isNearEnd(9), false);
});

test('an end at the known time shows that it is right, whatever has outlived it', () => {
  const life = learned(300, 300);
  for (let times = 0; times < 2; times++) life.isNearEnd(1_000);
  life.onEnd(300);
  for (let times = 0; times < 2; times++) life.isNearEnd(1_000);
  assert.equal(life.isNearEnd(290), true);
});

/** A service whose one pod ends connections that idle for so long, or none, and how many of them it has had. */
function startPod(t: TestContext, idle?: number, options: MemoryServiceOptions['options'] = {}) {
  const memory = new MemoryService(t, { pods: 1, options });
  const pod = memory.pod(1);
  pod.react = (_call, wire) => {
    const { sent } = wire;
    if (idle !== undefined) memory.clock.schedule(() => wire.sent === sent && wire.break(), 1 + idle);
    return { name: 'answer', after: 1 };
  };
  const post = async () => {
    const call = memory.call({ repeatable: false });
    await memory.run(5);
    assert.ok(call.answered);
  };
  return { memory, post, dials: () => pod.opened.length };
}

/** A pod that ends idle connections after two seconds, as three ends have shown. */
async function startKnown(t: TestContext) {
  const started = startPod(t, 2_000);
  for (let end = 0; end < 3; end++) {
    await started.post();
    await started.memory.run(3_000);
  }
  return started;
}

test('a request does not cross the end of an idle connection whose time is known', async (t) => {
  const { memory, post, dials } = await startKnown(t);
  await post();
  const before = dials();
  await memory.run(1_000);
  await post();
  assert.equal(dials(), before, 'there is time enough');
  await memory.run(1_990);
  await post();
  assert.equal(dials(), before + 1, 'it would have met the end');
  await memory.run(3_000);
});

test('GETs that come shortly before a connection would end are all sent on that, as with undici', async (t) => {
  const { memory, post, dials } = await startKnown(t);
  await post();
  const before = dials();
  for (let times = 0; times < 5; times++) {
    await memory.run(1_800);
    const call = memory.call();
    await memory.run(5);
    assert.ok(call.answered);
  }
  assert.equal(dials(), before);
});

test('a pod that restarts, and ends all its connections, goes on being sent requests on those that idle', async (t) => {
  const { memory, post, dials } = startPod(t);
  for (let restart = 0; restart < 2; restart++) {
    memory.burst(5, { repeatable: false });
    await memory.run(300);
    for (const wire of [...memory.pod(1).wires]) wire.break();
    await memory.run(100);
  }
  await post();
  const before = dials();
  for (let times = 0; times < 8; times++) {
    await memory.run(100 * times);
    await post();
  }
  assert.ok(dials() <= before + 2, `${dials() - before} more`);
});

/** A pod that has restarted three times in a row, two seconds after a request or a little less, and ends none by itself. */
async function restartPod(t: TestContext, options: MemoryServiceOptions['options'] = {}) {
  const started = startPod(t, undefined, options);
  const { memory, post } = started;
  const pod = memory.pod(1);
  for (const idle of [1_900, 1_900, 1_800]) {
    await post();
    await memory.run(idle);
    for (const wire of [...pod.wires]) wire.break();
    await memory.run(10);
  }
  await post();
  return { ...started, pod };
}

test('a pod that has restarted three times just before requests came keeps its connections, as with undici', async (t) => {
  const { memory, post, dials, pod } = await restartPod(t);
  const before = dials();
  for (let times = 0; times < 20; times++) {
    await memory.run(1_995);
    await post();
  }
  assert.ok(dials() <= before + 2, `${dials() - before} more`);
  assert.ok(pod.wires.size <= 2);
});

test('where no connection may be made beside it, one that is near its end is closed so often, and then kept', async (t) => {
  const { memory, post, dials } = await restartPod(t, { connections: 1 });
  const before = dials();
  for (let times = 0; times < 20; times++) {
    await memory.run(1_995);
    await post();
  }
  assert.equal(dials(), before + 8);
});

test('a request is sent on a connection that is near its end where the pod takes no more connections', async (t) => {
  const { memory, post, pod } = await restartPod(t);
  const before = pod.opened.length;
  pod.dials = 'refused';
  await memory.run(1_995);
  await post();
  assert.equal(pod.opened.length, before);
});

test('a request is sent on a connection that is near its end while nothing may be dialled', async (t) => {
  const { memory, post, dials, pod } = await restartPod(t);
  const before = dials();
  memory.resolver.set([pod], { withdrawn: true });
  await memory.run(1_995);
  await post();
  assert.equal(dials(), before);
});
