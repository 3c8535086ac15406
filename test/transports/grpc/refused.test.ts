import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Balanced, startBalanced } from '../../support/grpc-client.ts';
import { type GrpcPod, grpc, startGrpcPod, TRUSTS_SILENCE } from '../../support/grpc-pod.ts';
import { type RefusingFront, startRefusingFront } from '../../support/refusing-front.ts';

const { status } = grpc;

interface Started extends Balanced {
  readonly pod: GrpcPod;
  readonly front: RefusingFront;
}

/** One pod, which has just refused a call by ending its connection, and will do so again so many times. */
async function start(t: TestContext, refusals: number, channel = {}): Promise<Started> {
  const pod = await startGrpcPod(t);
  const front = await startRefusingFront(t, pod.endpoint);
  const balanced = startBalanced(t, [front], {}, channel);
  const { client, stats } = balanced;
  front.refusals = 1;
  await client.call();
  front.refusals = refusals;
  await front.drop();
  while (stats().connected === 0) await sleep(1);
  return { ...balanced, pod, front };
}

const details = (error: { details: string }) => error.details;

test('a call that one connection after the other refuses by its end is served by the next one', async (t) => {
  const { client, front, pod, stats } = await start(t, 5);
  assert.equal(await client.call(), pod.address);
  assert.equal(front.refused, 1 + 5);
  assert.equal(pod.calls, 2);
  const [row] = stats().endpoints;
  assert.deepEqual([row!.failures, row!.inFlight, row!.state], [0, 0, 'ready']);
});

test('it is not sent again for ever', async (t) => {
  const { client, front } = await start(t, 100);
  assert.equal(await client.call().catch(details), 'Stream refused by server');
  // Six times by evenkeel, and as often when grpc-js sends it again.
  assert.equal(front.refused, 1 + 12);
});

test('it is sent once where retries are switched off, as with grpc-js alone', async (t) => {
  const pod = await startGrpcPod(t);
  const front = await startRefusingFront(t, pod.endpoint);
  const { client } = startBalanced(t, [front], {}, { 'grpc.enable_retries': 0 });
  front.refusals = 2;
  for (const refused of [1, 2]) {
    assert.equal(await client.call().catch(details), 'Stream refused by server');
    assert.equal(front.refused, refused);
  }
  assert.equal(await client.call(), pod.address);
});

test('streams of both ways are sent again with all that was written, and each message is sent once', async (t) => {
  const { client, front, pod } = await start(t, 4);
  assert.equal(await client.upload(['one', 'two', 'three']), `${pod.address} 11`);
  assert.equal(front.refused, 1 + 4);
  front.refusals = 3;
  await front.drop();
  const stream = client.bidi();
  stream.write(Buffer.from('a'));
  stream.write(Buffer.from('b'));
  const received: string[] = [];
  stream.on('data', (message: Buffer) => received.push(`${message}`));
  while (received.length < 2) await sleep(1);
  stream.end(Buffer.from('c'));
  await once(stream, 'end');
  assert.deepEqual(received, ['a', 'b', 'c']);
});

/** A call that was refused, and waits for a connection that does not come. */
async function strand(t: TestContext, options: { deadline?: number } = {}) {
  const started = await start(t, 1);
  const { client, front, stats } = started;
  front.isSilent = true;
  const refused = front.refusal();
  const outcome = client.call(options).catch(({ code }) => code as number);
  await Promise.race([refused, outcome]);
  // Versions that trust silence send it there.
  while (stats().running > 0 && !TRUSTS_SILENCE) await sleep(1);
  return { ...started, outcome };
}

test('a refused call that waits for a connection is served once it is there', async (t) => {
  const { outcome, front, pod } = await strand(t);
  front.speak();
  assert.equal(await outcome, pod.address);
});

test('a refused call that waits for a connection ends at its deadline', async (t) => {
  const { outcome, stats } = await strand(t, { deadline: Date.now() + 300 });
  assert.equal(await outcome, status.DEADLINE_EXCEEDED);
  assert.equal(stats().running, 0);
});

// Versions that trust silence send it there, and go on with it after the end of its channel.
test('a refused call that waits for a connection ends when its channel is closed', {
  skip: TRUSTS_SILENCE,
}, async (t) => {
  const { outcome, client } = await strand(t);
  client.close();
  assert.equal(await outcome, status.UNAVAILABLE);
});

test('a refused call that waits for a connection can be cancelled', async (t) => {
  const { client, front, pod } = await start(t, 1);
  front.isSilent = true;
  const refused = front.refusal();
  const stream = client.bidi();
  const ended = once(stream, 'error');
  stream.write(Buffer.from('one'));
  await refused;
  stream.write(Buffer.from('two'));
  stream.cancel();
  const [error] = await ended;
  assert.equal(error.code, status.CANCELLED);
  front.speak();
  assert.equal(await client.call(), pod.address);
  assert.equal(pod.calls, 2);
});
