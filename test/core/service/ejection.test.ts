import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type TestContext, test } from 'node:test';
import type { MemoryPod } from '../../support/memory-pod.ts';
import { MemoryService, type MemoryServiceOptions } from '../../support/memory-service.ts';
import { seededRandom } from '../../support/random.ts';

/** A service that is in use, without retries, so that each failure is seen. */
async function inUse(
  t: TestContext,
  { options, ...more }: MemoryServiceOptions = {},
): Promise<MemoryService> {
  const memory = new MemoryService(t, { pods: 5, ...more, options: { retry: false, ...options } });
  await memory.load(100, 5);
  return memory;
}

const fails = (pod: MemoryPod, status = 503) => {
  pod.react = () => ({ name: 'answer', status });
};
const answers = (pod: MemoryPod) => {
  pod.react = () => ({ name: 'answer' });
};

/**
 * How many of these calls a pod has. A failure counts as load for a second: five in a row take some seconds, where calls are
 * short.
 */
async function share(memory: MemoryService, pod: MemoryPod, count: number, interval = 5): Promise<number> {
  const before = pod.requests;
  await memory.load(count, interval);
  return pod.requests - before;
}

async function untilEjected(memory: MemoryService, { endpoint }: MemoryPod): Promise<void> {
  const { current } = memory.service.endpoints;
  for (let n = 0; n < 1_000; n++) {
    if (current.get(`${endpoint.address}:80`)!.isEjected) return;
    await memory.load(1, 30);
  }
  assert.fail('it is not ejected');
}

test('an endpoint that fails five calls in a row is passed over from then on', async (t) => {
  const memory = await inUse(t);
  const pod = memory.pod(1);
  fails(pod);
  assert.equal(await share(memory, pod, 300, 30), 5);
  const { condition } = memory.service.endpoints.current.get('10.0.0.1:80')!;
  assert.equal(condition, 'ejected');
});

for (const kind of ['break', 'timeout'] as const) {
  test(`so is one whose calls end so: ${kind}`, async (t) => {
    const memory = await inUse(t);
    const pod = memory.pod(1);
    if (kind === 'break') pod.react = () => ({ name: 'break' });
    else {
      pod.react = (call) => {
        memory.clock.schedule(() => call.cancel(new Error('headers timeout'), 'timeout'), 5);
        return { name: 'hang' };
      };
    }
    assert.equal(await share(memory, pod, 300, 30), 5);
  });
}

test('one that fails four calls, and then serves one, is not', async (t) => {
  const memory = await inUse(t);
  const pod = memory.pod(1);
  let count = 0;
  pod.react = () => ({ name: 'answer', status: ++count % 5 === 0 ? 200 : 503 });
  assert.ok((await share(memory, pod, 600, 30)) > 10);
});

test('answers that are errors of the application are nobody’s failures', async (t) => {
  const memory = await inUse(t);
  const pod = memory.pod(1);
  fails(pod, 404);
  assert.ok((await share(memory, pod, 200)) > 20);
});

test('callers that give up hold nothing against an endpoint that serves others', async (t) => {
  const memory = await inUse(t);
  const pod = memory.pod(1);
  let count = 0;
  pod.react = (call) => {
    if (++count % 2 === 0) return { name: 'answer' };
    memory.clock.schedule(() => call.cancel(new Error('enough')), 5);
    return { name: 'hang' };
  };
  assert.ok((await share(memory, pod, 200, 10)) > 20);
});

test('nor do they eject one that serves nobody', async (t) => {
  const memory = await inUse(t);
  memory.pod(1).react = (call) => {
    memory.clock.schedule(() => call.cancel(new Error('enough')), 5);
    return { name: 'hang' };
  };
  await memory.load(200, 10);
  assert.ok(!memory.service.endpoints.current.get('10.0.0.1:80')!.isEjected);
});

test('one that is restored is tried with a single call, and serves like any once that is answered', async (t) => {
  const memory = await inUse(t, { options: { outlierDetection: { baseEjectionTime: '10s' } } });
  const pod = memory.pod(1);
  fails(pod);
  await untilEjected(memory, pod);
  memory.allAnswerAfter(50);
  pod.react = () => ({ name: 'answer', after: 300 });
  const before = pod.requests;
  for (let n = 0; n < 1_000 && pod.requests === before; n++) {
    memory.burst(3);
    await memory.run(20);
  }
  for (let n = 0; n < 12; n++) {
    memory.burst(3);
    await memory.run(20);
  }
  assert.equal(pod.requests - before, 1, 'one call until it is answered');
  answers(pod);
  await memory.run(100);
  assert.ok((await share(memory, pod, 200)) > 20);
});

test('one that fails that single call is out again, for twice as long', async (t) => {
  const memory = await inUse(t, { options: { outlierDetection: { baseEjectionTime: '1s' } } });
  const pod = memory.pod(1);
  fails(pod);
  const times: number[] = [];
  pod.react = () => {
    times.push(memory.clock.now());
    return { name: 'answer', status: 503 };
  };
  await memory.load(1_200, 10);
  const pauses = times.slice(4).map((at, n, all) => at - (all[n - 1] ?? at));
  // Shortened by a fifth at most, and noticed within some calls.
  const [, first, second, third] = pauses;
  assert.ok(first! >= 800 && first! < 1_200, `${pauses}`);
  assert.ok(second! >= 1_600 && second! < 2_300, `${pauses}`);
  assert.ok(third! >= 3_200 && third! < 4_500, `${pauses}`);
});

test('where all fail alike, one that fails five in a row has only had bad luck', async (t) => {
  const memory = await inUse(t, { pods: 10 });
  const random = seededRandom(5);
  for (const pod of memory.pods) {
    pod.react = () => ({ name: 'answer', status: random() < 0.7 ? 503 : 200 });
  }
  let ejections = 0;
  const onEject = () => void ejections++;
  subscribe('evenkeel:endpoint:eject', onEject);
  await memory.load(1_500, 5);
  unsubscribe('evenkeel:endpoint:eject', onEject);
  // By chance, one of six runs would be as long.
  assert.ok(ejections <= 2, `${ejections}`);
});

test('no more are passed over than maxEjectionPercent allows', async (t) => {
  const memory = await inUse(t, { pods: 10, options: { outlierDetection: { maxEjectionPercent: 20 } } });
  for (const n of [1, 2, 3]) fails(memory.pod(n));
  await memory.load(600, 30);
  const out = [...memory.service.endpoints.current.values()].filter(({ isEjected }) => isEjected);
  assert.equal(out.length, 2);
});

test('below the panic threshold, those that are out serve as well', async (t) => {
  const memory = await inUse(t, { pods: 4, options: { outlierDetection: { maxEjectionPercent: 100 } } });
  fails(memory.pod(1));
  await memory.load(300, 30);
  const { requests } = memory.pod(1);
  // Of those that are left, two can't be reached any more: one of four serves.
  memory.pod(2).die();
  memory.pod(3).die();
  await memory.load(100, 5);
  assert.ok(memory.pod(1).requests > requests, 'it serves though it fails');
  answers(memory.pod(1));
  await memory.load(100, 30);
  assert.ok(memory.pod(1).requests > requests + 20, 'and is restored by serving');
  assert.equal(memory.service.endpoints.current.get('10.0.0.1:80')!.health?.ejection, undefined);
});

test('one that asks for a pause with Retry-After is left alone for so long, and serves again then', async (t) => {
  const memory = await inUse(t);
  const pod = memory.pod(1);
  pod.react = () => ({ name: 'answer', status: 503, headers: { 'retry-after': '2' } });
  assert.equal(await share(memory, pod, 100), 1);
  answers(pod);
  assert.equal(await share(memory, pod, 200), 0);
  await memory.run(1_000);
  assert.ok((await share(memory, pod, 100)) > 10);
});

test('where all ask for a pause, nobody has one', async (t) => {
  const memory = await inUse(t);
  for (const pod of memory.pods) {
    pod.react = () => ({ name: 'answer', status: 503, headers: { 'retry-after': '1' } });
  }
  // The first to ask has one, before it is known that the others do.
  await memory.load(300, 10);
  for (let n = 0; n < 100; n++) {
    await memory.load(1, 10);
    for (const { health } of memory.service.endpoints) assert.equal(health?.pause, undefined);
  }
});

test('one that can’t be dialled is passed over, and used again once it can be', async (t) => {
  const memory = await inUse(t);
  const pod = memory.pod(1);
  pod.die();
  const calls = await memory.load(200, 10);
  assert.ok(calls.every(({ answered }) => answered));
  pod.dials = 'taken';
  await memory.load(3_500, 10);
  assert.ok((await share(memory, pod, 200)) > 20);
});

test('close() and destroy() end at once where some are ejected, paused, or not to be reached', async (t) => {
  for (const how of ['close', 'destroy'] as const) {
    const memory = await inUse(t);
    fails(memory.pod(1));
    memory.pod(2).react = () => ({ name: 'answer', status: 503, headers: { 'retry-after': '2' } });
    memory.pod(3).die();
    memory.pod(4).dials = 'unanswered';
    await memory.load(100, 5);
    let ended = false;
    const end = how === 'close' ? memory.service.close() : memory.service.destroy(new Error('over'));
    void end.then(() => {
      ended = true;
    });
    await memory.run(10);
    assert.ok(ended);
  }
});

/** Calls one pod after the other, each for so many milliseconds at most; to be called each millisecond. */
function caller(memory: MemoryService, patience = Number.POSITIVE_INFINITY): () => void {
  let call = memory.call();
  let since = memory.clock.now();
  return () => {
    if (call.ends.length === 0) {
      if (memory.clock.now() - since < patience) return;
      call.cancel(new DOMException('too late', 'TimeoutError'), 'expired');
    }
    call = memory.call();
    since = memory.clock.now();
  };
}

/** How many pods are ejected while some call without patience, and others with it, for 800 ms. */
async function ejectionsBy(
  memory: MemoryService,
  hasty: number,
  patience: number,
  patient: number,
): Promise<number> {
  const callers = [
    ...Array.from({ length: hasty }, () => caller(memory, patience)),
    ...Array.from({ length: patient }, () => caller(memory)),
  ];
  let ejections = 0;
  const onEject = () => void ejections++;
  subscribe('evenkeel:endpoint:eject', onEject);
  for (let n = 0; n < 800; n++) {
    for (const turn of callers) turn();
    await memory.run(1);
  }
  unsubscribe('evenkeel:endpoint:eject', onEject);
  return ejections;
}

for (const [hasty, patience, patient] of [
  [1, 3, 5],
  [1, 12, 2],
  [2, 12, 4],
  [3, 12, 4],
] as const) {
  // A pod may get their calls many times in a row while the others are busy with calls that they serve.
  test(`callers with less time than any pod takes have none ejected: ${hasty} with ${patience} ms beside ${patient}`, async (t) => {
    const memory = new MemoryService(t, { pods: 5 });
    memory.allAnswerAfter(20);
    assert.equal(await ejectionsBy(memory, hasty, patience, patient), 0);
  });
}

test('callers with hardly more time than any pod takes have one ejected that hangs', async (t) => {
  const memory = new MemoryService(t, { pods: 5 });
  memory.allAnswerAfter(20);
  await memory.load(100, 5);
  memory.pod(1).react = () => ({ name: 'hang' });
  // What they fail counts as load for a second.
  let ejections = 0;
  for (let n = 0; n < 10 && ejections === 0; n++) ejections = await ejectionsBy(memory, 4, 25, 0);
  assert.equal(ejections, 1);
});
