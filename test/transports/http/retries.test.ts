// What is sent again, and what is not: unseen by its caller, if it is.
import assert from 'node:assert/strict';
import http, { type ClientRequest, type RequestOptions } from 'node:http';
import { describe, type TestContext, test } from 'node:test';
import { channels } from '../../../src/core/base/channels.ts';
import type { BalancedHttpAgentOptions } from '../../../src/http.ts';
import {
  answerOf,
  ask,
  closeOf,
  eventsOf,
  HOST,
  ManualResolver,
  startHttpAgent,
} from '../../support/http-agent.ts';
import { type Pod, startPods } from '../../support/pods.ts';

/** Two pods, of which the one that a request comes to first ends its connection without an answer, once. */
async function startFailing(t: TestContext, options: BalancedHttpAgentOptions = {}) {
  const pods = await startPods(t, 2);
  const bodies: string[] = [];
  let failures = 1;
  for (const pod of pods) {
    pod.respond = async (request, response) => {
      const body = await request.toArray();
      bodies.push(Buffer.concat(body).toString());
      if (failures-- > 0) request.socket.destroy();
      else response.end(pod.address);
    };
  }
  return { pods, bodies, agent: startHttpAgent(t, pods, options) };
}

function countRequests(pods: readonly Pod[]): number {
  return pods.reduce((sum, { requests }) => sum + requests, 0);
}

test('a GET whose connection ends before a byte of a response goes elsewhere, unseen', async (t) => {
  const { pods, agent } = await startFailing(t);
  const request = http.get({ host: HOST, agent });
  const events = eventsOf(request);

  assert.equal((await answerOf(request)).status, 200);
  await closeOf(request);

  assert.equal(countRequests(pods), 2);
  assert.deepEqual(events, ['socket', 'socket', 'response', 'close']);
  assert.deepEqual(
    pods.map(({ requests }) => requests),
    [1, 1],
  );
});

test('what a tracer has put on a request is there when it goes elsewhere, and hears all but the failure', async (t) => {
  const { agent } = await startFailing(t);
  const request = http.get({ host: HOST, agent });
  const events = eventsOf(request);
  const { emit } = request;
  await answerOf(request);
  await closeOf(request);
  assert.equal(request.emit, emit);
  assert.ok(Object.hasOwn(request, 'emit'));
  assert.deepEqual(events, ['socket', 'socket', 'response', 'close']);
});

for (const method of ['GET', 'PUT']) {
  test(`a ${method} whose caller sets headers with its socket, and ends it a tick later, goes elsewhere with them`, async (t) => {
    const { pods, bodies, agent } = await startFailing(t);
    const heads: unknown[] = [];
    for (const pod of pods) {
      const { respond } = pod;
      pod.respond = (request, response) => {
        heads.push(request.headers['x-late']);
        return respond(request, response);
      };
    }
    const request = http.request({ host: HOST, agent, method });
    let times = 0;
    request.on('socket', () => {
      times++;
      request.setHeader('x-late', 'late');
      request.setTimeout(5_000, () => assert.fail());
    });
    process.nextTick(() => request.end(method === 'PUT' ? 'body' : undefined));
    assert.equal((await answerOf(request)).status, 200);
    assert.deepEqual([times, request.listenerCount('timeout')], [2, 1]);
    assert.deepEqual(heads, ['late', 'late']);
    assert.deepEqual(bodies, method === 'PUT' ? ['body', 'body'] : ['', '']);
  });
}

test('a PUT whose body was ended goes elsewhere with all of it', async (t) => {
  const { bodies, agent } = await startFailing(t);
  assert.equal((await ask(agent, { method: 'PUT', body: 'all of it' })).status, 200);
  assert.deepEqual(bodies, ['all of it', 'all of it']);
});

test('a POST that was written fails as with Node’s agent, and one with an idempotency key does not', async (t) => {
  const { pods, agent } = await startFailing(t);
  await assert.rejects(ask(agent, { method: 'POST', body: 'once' }), {
    code: 'ECONNRESET',
    message: 'socket hang up',
  });
  assert.equal(countRequests(pods), 1);

  const other = await startFailing(t);
  const headers = { 'Idempotency-Key': 'a' };
  assert.equal((await ask(other.agent, { method: 'POST', body: 'again', headers })).status, 200);
  assert.deepEqual(other.bodies, ['again', 'again']);
});

test('a body that is not at hand when the request is sent is not sent again', async (t) => {
  const { pods, agent } = await startFailing(t);
  const request = http.request({ host: HOST, agent, method: 'PUT' });
  request.once('socket', () => setImmediate(() => request.end('late')));
  request.write('early');
  await assert.rejects(answerOf(request), { code: 'ECONNRESET' });
  assert.equal(countRequests(pods), 1);
});

test('retry: false sends nothing again that was written', async (t) => {
  const { pods, agent } = await startFailing(t, { retry: false });
  await assert.rejects(ask(agent), { code: 'ECONNRESET', message: 'socket hang up' });
  assert.equal(countRequests(pods), 1);
});

test('a request that fails everywhere fails with what it failed with last, once', async (t) => {
  const pods = await startPods(t, 2);
  for (const pod of pods) pod.respond = (request) => request.socket.destroy();
  const agent = startHttpAgent(t, pods);
  const request = http.get({ host: HOST, agent });
  const events = eventsOf(request);
  await assert.rejects(answerOf(request), { code: 'ECONNRESET', message: 'socket hang up' });
  await closeOf(request);
  assert.deepEqual(events, ['socket', 'socket', 'error', 'close']);
  assert.equal(countRequests(pods), 2);
});

test('a request whose response has begun is not sent again', async (t) => {
  const pods = await startPods(t, 2);
  for (const pod of pods) {
    pod.respond = (request, response) => {
      response.writeHead(200, { 'content-length': 10 }).write('half');
      setImmediate(() => request.socket.destroy());
    };
  }
  const agent = startHttpAgent(t, pods);
  await assert.rejects(ask(agent), { code: 'ECONNRESET', message: 'aborted' });
  assert.equal(countRequests(pods), 1);
});

test('a request that its caller ends while it goes elsewhere ends, and is not sent again', async (t) => {
  const { pods, agent } = await startFailing(t);
  const request = http.get({ host: HOST, agent });
  const onRetry = () => request.destroy(new Error('mine'));
  channels.requestRetry.subscribe(onRetry);
  t.after(() => channels.requestRetry.unsubscribe(onRetry));
  await assert.rejects(answerOf(request), { message: 'mine' });
  await closeOf(request);
  assert.equal(countRequests(pods), 1);
});

/** Milliseconds: longer than it takes to go elsewhere, on a machine that stands still for a moment, too. */
const TIMEOUT = 1_000;

describe('a timeout holds where the request goes, and is told once', { concurrency: true }, () => {
  for (const [how, set] of Object.entries({
    'in its options': () => {},
    'before it has a socket': (request: ClientRequest) => request.setTimeout(TIMEOUT),
    'when it has one': (request: ClientRequest) => request.once('socket', () => request.setTimeout(TIMEOUT)),
  })) {
    test(`if it was set ${how}`, async (t) => {
      const pods = await startPods(t, 2);
      let failures = 1;
      for (const pod of pods) {
        pod.respond = (request) => {
          if (failures-- > 0) request.socket.destroy();
        };
      }
      const agent = startHttpAgent(t, pods);
      const options: RequestOptions = how === 'in its options' ? { timeout: TIMEOUT } : {};
      const request = http.get({ host: HOST, agent, ...options }).on('error', () => {});
      set(request);
      const events = eventsOf(request);
      await new Promise((resolve) => request.once('timeout', resolve));
      await new Promise((resolve) => setTimeout(resolve, 150));
      request.destroy();
      assert.deepEqual(
        events.filter((event) => event !== 'error' && event !== 'close'),
        ['socket', 'socket', 'timeout'],
      );
      assert.equal(countRequests(pods), 2);
    });
  }
});

test('a POST whose connection ends before anything was written goes elsewhere', async (t) => {
  const pods = await startPods(t, 2);
  const agent = startHttpAgent(t, pods);
  for (let n = 0; n < 4; n++) await ask(agent);
  const request = http.request({ host: HOST, agent, method: 'POST' });
  // The body comes late: the connection that the request has ends meanwhile.
  await new Promise((resolve) => request.once('socket', resolve));
  const busy = pods.find(({ port, address }) => request.socket!.remoteAddress === address && port)!;
  for (const socket of busy.sockets) socket.resetAndDestroy();
  await busy.allClosed();
  await new Promise((resolve) => request.once('socket', resolve));
  request.end('late');
  const { status, body } = await answerOf(request);
  assert.deepEqual([status, body !== ''], [200, true]);
});

test('a pod that goes away while it is asked fails nothing', async (t) => {
  const pods = await startPods(t, 2);
  const resolver = new ManualResolver(pods);
  const agent = startHttpAgent(t, [], { discovery: resolver.resolve });
  for (let n = 0; n < 4; n++) await ask(agent);
  const slow = [ask(agent, { path: '/slow' }), ask(agent, { path: '/slow' })];
  await Promise.all(pods.map((pod) => pod.received('/slow')));
  await pods[0]!.kill();
  pods[1]!.release('/slow');
  while (pods[1]!.paths.filter((path) => path === '/slow').length < 2) {
    await new Promise((resolve) => pods[1]!.once('request', resolve));
  }
  pods[1]!.release('/slow');
  for (const { body } of await Promise.all(slow)) assert.equal(body, pods[1]!.address);
});
