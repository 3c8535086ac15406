import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EndpointAddress } from '../../../src/core/discovery/resolver.ts';
import { type Balanced, startBalanced } from '../../support/grpc-client.ts';
import { answerOk, type GrpcPod, grpc, startGrpcPod, TRUSTS_SILENCE } from '../../support/grpc-pod.ts';
import { startH2Pod } from '../../support/h2-pod.ts';
import { type RefusingFront, startRefusingFront } from '../../support/refusing-front.ts';

const { status } = grpc;

/** A status that stands in the head of a response. */
const UPSTREAM_REFUSED = {
  'content-type': 'application/grpc',
  'grpc-status': '14',
  'grpc-message': 'Stream refused by server',
};

interface Before extends Balanced {
  readonly front: RefusingFront;
}

/** Something stands before a pod that has just refused a call by ending its connection, and will do so again so many times. */
async function startBefore(
  t: TestContext,
  pod: EndpointAddress,
  refusals: number,
  channel = {},
): Promise<Before> {
  const front = await startRefusingFront(t, pod);
  const balanced = startBalanced(t, [front], {}, channel);
  const { client, stats } = balanced;
  front.refusals = 1;
  await client.call();
  front.refusals = refusals;
  await front.drop();
  while (stats().connected === 0) await sleep(1);
  return { ...balanced, front };
}

async function start(t: TestContext, refusals: number): Promise<Before & { readonly pod: GrpcPod }> {
  const pod = await startGrpcPod(t);
  return { ...(await startBefore(t, pod.endpoint, refusals)), pod };
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

test('a call that its server executed, and ended with the words for a refusal, is not sent again', async (t) => {
  let executed = 0;
  const front = await startH2Pod(t, (stream) => {
    executed++;
    // It is about to go away, and passes on what another server told it.
    stream.session!.close();
    setTimeout(() => {
      stream.respond({ ':status': 200, ...UPSTREAM_REFUSED }, { endStream: true });
    }, 10);
  });
  const { client } = startBalanced(t, [front]);
  for (const calls of [1, 2, 3]) {
    assert.equal(await client.call().catch(details), 'Stream refused by server');
    assert.equal(executed, calls);
  }
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
async function strandAt(t: TestContext, pod: EndpointAddress, options: { deadline?: number } = {}) {
  const started = await startBefore(t, pod, 1);
  const { client, front, stats } = started;
  front.isSilent = true;
  const refused = front.refusal();
  const outcome = client.call(options).catch(({ code }) => code as number);
  await Promise.race([refused, outcome]);
  // Versions that trust silence send it there.
  while (stats().running > 0 && !TRUSTS_SILENCE) await sleep(1);
  return { ...started, outcome };
}

async function strand(t: TestContext, options: { deadline?: number } = {}) {
  const pod = await startGrpcPod(t);
  return { ...(await strandAt(t, pod.endpoint, options)), pod };
}

test('a refused call that waits for a connection is served once it is there', async (t) => {
  const { outcome, front, pod } = await strand(t);
  front.speak();
  assert.equal(await outcome, pod.address);
});

// Versions that trust silence send it there at once.
test('the server that serves it then is told how much time is left', {
  skip: TRUSTS_SILENCE,
}, async (t) => {
  const timeouts: string[] = [];
  const pod = await startH2Pod(t, (stream, headers, nth) => {
    timeouts.push(`${headers['grpc-timeout']}`);
    answerOk(stream, headers, nth);
  });
  const { front, outcome } = await strandAt(t, pod.endpoint, { deadline: Date.now() + 60_000 });
  await sleep(300);
  front.speak();
  await outcome;
  assert.ok(Number.parseInt(timeouts[1]!, 10) < 59_800, `${timeouts}`);
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
