// Requests that have no socket yet, of which Node itself says nothing.
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import http, { type ClientRequest } from 'node:http';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import {
  answerOf,
  ask,
  closeOf,
  eventsOf,
  HOST,
  ManualResolver,
  startHttpAgent,
} from '../../support/http-agent.ts';
import { startPod } from '../../support/pods.ts';

/** A request that waits: for endpoints, for a place at its agent, or for a connection. */
const WAITS: Record<string, (t: TestContext, options?: http.RequestOptions) => Promise<ClientRequest>> = {
  'for endpoints to be known': async (t, options) => {
    const agent = startHttpAgent(t, [], { discovery: new ManualResolver().resolve });
    return http.get({ host: HOST, agent, ...options });
  },
  'for a place at its agent': async (t, options) => {
    const pod = await startPod(t);
    const agent = startHttpAgent(t, [pod], { maxSockets: 1 });
    http.get({ host: HOST, agent, path: '/slow' }).on('error', () => {});
    await pod.received('/slow');
    return http.get({ host: HOST, agent, ...options });
  },
  'for a connection': async (t, options) => {
    const pod = await startPod(t);
    const agent = startHttpAgent(t, [pod], { connections: 1 });
    http.get({ host: HOST, agent, path: '/slow' }).on('error', () => {});
    await pod.received('/slow');
    return http.get({ host: HOST, agent, ...options });
  },
};

/** Its `destroy` is that of its class again, even if that is replaced now. */
function assertClassDestroys(t: TestContext, request: ClientRequest): void {
  const { mock } = t.mock.method(http.ClientRequest.prototype, 'destroy');
  request.destroy();
  assert.equal(mock.callCount(), 1);
  mock.restore();
}

test('a destroy that its caller wraps while a request waits is called once it has its connection', async (t) => {
  const pod = await startPod(t);
  const agent = startHttpAgent(t, [pod], { connections: 1 });
  const slow = ask(agent, { path: '/slow' });
  await pod.received('/slow');
  const request = http.get({ host: HOST, agent, path: '/slow' });
  request.on('error', () => {});
  await setImmediate();
  const { destroy } = request;
  let calls = 0;
  request.destroy = function (this: ClientRequest, error) {
    calls++;
    return destroy.call(this, error);
  };
  pod.release('/slow');
  await slow;
  await pod.received('/slow');
  const closed = closeOf(request);
  request.destroy();
  await closed;
  assert.equal(calls, 1);
});

for (const [what, wait] of Object.entries(WAITS)) {
  for (const when of ['at once', 'later']) {
    test(`destroy of a request that waits ${what} closes it ${when}`, async (t) => {
      const request = await wait(t);
      const events = eventsOf(request);
      if (when === 'later') await new Promise((resolve) => setTimeout(resolve, 30));
      const closed = closeOf(request);
      request.on('error', () => {});
      request.destroy(new Error('mine'));
      assert.equal(request.destroyed, true);
      // In this very turn of the event loop.
      assert.equal(await Promise.race([closed, setImmediate('late')]), undefined);
      assert.deepEqual(events, ['error', 'close']);
      assertClassDestroys(t, request);
    });
  }

  test(`a signal ends a request that waits ${what}, in its caller's context`, async (t) => {
    const controller = new AbortController();
    const store = new AsyncLocalStorage<string>();
    const contexts: unknown[] = [];
    const request = await store.run('caller', () => wait(t, { signal: controller.signal }));
    request.on('error', ({ name }) => contexts.push(name, store.getStore()));
    const closed = closeOf(request).then(() => contexts.push('close'));
    setTimeout(() => controller.abort(), 20);
    await closed;
    assert.deepEqual(contexts, ['AbortError', 'caller', 'close']);
  });
}

for (const [how, expected] of [
  ['destroy', ['error', 'close']],
  ['abort', ['abort', 'error', 'close']],
] as const) {
  test(`${how} of a POST that waits until its connection is known to last closes it at once`, async (t) => {
    const pod = await startPod(t);
    const agent = startHttpAgent(t, [pod], { connections: 1 });
    const first = ask(agent, { path: '/slow' });
    await pod.received('/slow');
    const request = http.request({ host: HOST, agent, method: 'POST' });
    const events = eventsOf(request);
    const errors: unknown[] = [];
    request.on('error', ({ message }) => errors.push(message)).end();
    pod.release('/slow');
    await first;
    await setImmediate();

    const closed = closeOf(request);
    if (how === 'abort') request.abort();
    else request.destroy(new Error('mine'));
    const turns = async () => {
      for (let n = 0; n < 3; n++) await setImmediate();
      return 'late';
    };
    assert.equal(await Promise.race([closed, turns()]), undefined);
    assert.deepEqual(
      events.filter((event) => (expected as readonly string[]).includes(event)),
      expected,
    );
    assert.deepEqual(errors, [how === 'abort' ? 'socket hang up' : 'mine']);
    assertClassDestroys(t, request);
    assert.equal((await ask(agent, { method: 'POST' })).body, pod.address);
    assert.deepEqual([pod.requests, pod.connections.length], [2, 1]);
  });
}

test('abort() of a request in the tick in which it was made says so first', async (t) => {
  const request = await WAITS['for endpoints to be known']!(t);
  const events = eventsOf(request);
  request.on('error', () => {}).abort();
  await closeOf(request);
  // Node has no error for those that abort() ends before they have a socket.
  assert.deepEqual(events, ['abort', 'close']);
});

for (const [what, wait] of Object.entries(WAITS)) {
  test(`abort() of a request that waits ${what} says so first, and ends it as Node’s agents do`, async (t) => {
    const request = await wait(t);
    await setImmediate();
    const events = eventsOf(request);
    let code: unknown;
    request
      .on('error', (error: NodeJS.ErrnoException) => {
        code = error.code;
      })
      .abort();
    await closeOf(request);
    // With Node's agents one that waits for a place has no socket. The others have one, which connects: then there is an error.
    const isConnecting = what !== 'for a place at its agent';
    assert.deepEqual(events, isConnecting ? ['abort', 'error', 'close'] : ['abort', 'close']);
    assert.equal(code, isConnecting ? 'ECONNRESET' : undefined);
  });
}

for (const client of ['stock', 'balanced'] as const) {
  test(`abort() of a POST that is about to have a used connection says why it ends (${client})`, async (t) => {
    const pod = await startPod(t);
    const agent =
      client === 'stock' ? new http.Agent({ keepAlive: true, maxSockets: 1 }) : startHttpAgent(t, [pod]);
    t.after(() => agent.destroy());
    const to = client === 'stock' ? { host: pod.address, port: pod.port } : { host: HOST };
    await answerOf(http.get({ ...to, agent }));
    await setImmediate();

    const request = http.request({ ...to, agent, method: 'POST' });
    const events = eventsOf(request.on('error', () => {}));
    request.end();
    for (let ticks = 0; ticks < 5; ticks++) await new Promise<void>((resolve) => process.nextTick(resolve));
    request.abort();
    await closeOf(request);
    assert.deepEqual(
      events.filter((event) => ['abort', 'error', 'close'].includes(event)),
      ['abort', 'error', 'close'],
    );
  });
}

test('the time that a request has passes while it waits for a connection, and is told once', async (t) => {
  const request = await WAITS['for a connection']!(t, { timeout: 50 });
  let times = 0;
  request.on('timeout', () => times++).on('error', () => {});
  await once(request, 'timeout');
  await new Promise((resolve) => setTimeout(resolve, 120));
  assert.equal(times, 1);
  request.destroy();
});

test('a time that a caller sets on the socket passes while that is still to be connected', async (t) => {
  const request = await WAITS['for a connection']!(t);
  const connecting: boolean[] = [];
  request.on('socket', (socket) => {
    connecting.push(socket.connecting);
    socket.setTimeout(50, () => request.destroy(new Error('too long')));
  });
  await assert.rejects(answerOf(request), { message: 'too long' });
  assert.deepEqual(connecting, [true]);
});

test('a request whose socket its caller destroys ends while it waits for a connection', async (t) => {
  const request = await WAITS['for a connection']!(t);
  request.on('socket', (socket) => socket.destroy());
  await assert.rejects(answerOf(request), { code: 'ECONNRESET', message: 'socket hang up' });
  assert.equal(request.destroyed, true);
});

test('the time of an agent passes in the same way', async (t) => {
  const discovery = new ManualResolver().resolve;
  const agent = startHttpAgent(t, [], { discovery, timeout: 50 });
  const request = http.get({ host: HOST, agent }).on('error', () => {});
  await once(request, 'timeout');
  request.destroy();
});

for (const method of ['GET', 'POST']) {
  test(`${method}s that have waited are sent in their callers’ contexts, and end in them`, async (t) => {
    const pod = await startPod(t);
    const agent = startHttpAgent(t, [pod], { connections: 1 });
    const store = new AsyncLocalStorage<number>();
    const seen: [number, ...unknown[]][] = [];
    const requests = Array.from({ length: 4 }, (_, n) =>
      store.run(n, () => {
        const request = http.request({ host: HOST, agent, method }, (response) => {
          const inside = store.getStore();
          response.resume().on('end', () => seen.push([n, inside, store.getStore()]));
        });
        request.on('socket', () => seen.push([n, store.getStore()])).end();
        return new Promise<void>((resolve) =>
          request.on('close', () => {
            seen.push([n, store.getStore()]);
            resolve();
          }),
        );
      }),
    );
    await Promise.all(requests);
    for (const [n, ...stores] of seen)
      assert.ok(
        stores.every((each) => each === n),
        JSON.stringify(seen),
      );
    assert.equal(pod.connections.length, 1);
  });
}

test('headers that are set after the request was made are sent', async (t) => {
  const pod = await startPod(t);
  const agent = startHttpAgent(t, [pod]);
  await ask(agent);
  let seen: unknown;
  pod.respond = (request, response) => {
    seen = request.headers['x-trace'];
    response.end();
  };
  const request = http.request({ host: HOST, agent });
  process.nextTick(() => {
    request.setHeader('x-trace', 'late');
    request.end();
  });
  await answerOf(request);
  assert.equal(seen, 'late');
});

test('a request for which there is no endpoint fails as its dials do', async (t) => {
  const pod = await startPod(t);
  const agent = startHttpAgent(t, [pod]);
  await pod.kill();
  await assert.rejects(ask(agent), { code: 'ECONNREFUSED', syscall: 'connect' });
});

test('100 requests that are ended while they wait leave nothing behind', async (t) => {
  const agent = startHttpAgent(t, [], { discovery: new ManualResolver().resolve });
  const requests = Array.from({ length: 100 }, () => http.get({ host: HOST, agent }).on('error', () => {}));
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(agent.requests[`${HOST}:80:`]!.length, 100);
  const closed = requests.map((request) => closeOf(request));
  for (const request of requests) request.destroy();
  await Promise.all(closed);
  assert.deepEqual({ ...agent.requests }, {});
  assert.equal(agent.stats[`http://${HOST}`]!.size, 0);
});
