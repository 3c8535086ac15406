// Requests whose connection takes longer than a moment: they have a socket that connects meanwhile, as with Node's own agents.
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import http, { type ClientRequest, type RequestOptions } from 'node:http';
import { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { answerOf, ask, closeOf, HOST, ManualResolver, startHttpAgent } from '../../support/http-agent.ts';
import { type Pod, startPod } from '../../support/pods.ts';

/** A request that waits for the only connection there may be, until `connect` is called. */
async function startWaiting(t: TestContext, options: RequestOptions = {}) {
  const pod: Pod = await startPod(t);
  const bodies: string[] = [];
  const agent = startHttpAgent(t, [pod], { connections: 1, retry: false });
  const slow = ask(agent, { path: '/slow' });
  slow.catch(() => {});
  await pod.received('/slow');
  pod.respond = async (request, response) => {
    if (request.url === '/') bodies.push(`${request.headers['x-mine']} ${await text(request)}`);
    response.end('ok');
  };
  const request: ClientRequest = http.request({ host: HOST, agent, ...options });
  const connect = async () => {
    pod.release('/slow');
    await slow;
  };
  return { request, connect, bodies };
}

test('a request tells of its socket once, and that becomes the connection', async (t) => {
  const { request, connect } = await startWaiting(t);
  // Which Node tells its socket, once there is one.
  request.setNoDelay(true);
  request.setSocketKeepAlive(true);
  const seen: unknown[] = [];
  request.once('socket', () => seen.push('once'));
  request.on('socket', (socket) => {
    seen.push(socket.connecting, socket.remoteAddress);
    socket.on('connect', () => seen.push('connect', socket.connecting)).setTimeout(5_000);
    connect();
  });
  request.once('response', ({ socket }) => seen.push(socket.timeout));
  await answerOf(request.end());
  assert.deepEqual(seen, ['once', true, undefined, 'connect', false, 5_000]);
});

test('what is asked of a socket that connects is asked of its connection', async (t) => {
  const { request, connect } = await startWaiting(t);
  const asked: unknown[][] = [];
  let socket: (Socket & { mine?: string }) | undefined;
  const { setKeepAlive } = Socket.prototype;
  t.mock.method(Socket.prototype, 'setKeepAlive', function (this: Socket, ...args: [boolean, number]) {
    asked.push(args);
    return setKeepAlive.apply(this, args);
  });
  const closed = new Promise((resolve) => {
    request.once('socket', (it) => {
      socket = it;
      socket.mine = 'mine';
      socket.setKeepAlive(true, 77_000).setNoDelay(true).once('close', resolve);
      connect();
    });
  });
  await answerOf(request.end());
  const real = request.socket as Socket & { mine?: string };
  assert.ok(socket instanceof Socket);
  assert.equal(real.mine, 'mine');
  assert.ok(asked.some(([, delay]) => delay === 77_000));
  assert.deepEqual([socket.remotePort, socket.bytesRead > 0], [real.remotePort, true]);
  socket.destroy();
  assert.equal(real.destroyed, true);
  await closed;
});

test('a request whose caller destroys its socket fails with that, once it is connected, too', async (t) => {
  const { request, connect } = await startWaiting(t);
  request.once('socket', (socket) => {
    socket.once('connect', () => socket.destroy(new Error('mine')));
    connect();
  });
  await assert.rejects(answerOf(request.end()), { message: 'mine' });
});

test('a time that a caller sets with the socket calls back once', async (t) => {
  const { request, connect } = await startWaiting(t, { path: '/slow' });
  let times = 0;
  request.on('error', () => {});
  request.on('socket', () => {
    request.setTimeout(30, () => {
      times++;
      request.destroy();
    });
    connect();
  });
  request.end();
  await closeOf(request);
  assert.equal(times, 1);
});

test('a time that a caller sets after that, while the socket connects, passes once it is connected', async (t) => {
  const { request, connect } = await startWaiting(t, { path: '/slow' });
  request.on('error', () => {}).end();
  const [socket] = (await once(request, 'socket')) as [Socket];
  assert.equal(request.socket, socket);
  request.setTimeout(30);
  connect();
  await once(request, 'timeout');
  assert.equal(socket.connecting, false);
  request.destroy();
  await closeOf(request);
});

test('who listens to the socket of a request whose connection can’t be made hears why, and that it has closed', async (t) => {
  const resolver = new ManualResolver();
  const agent = startHttpAgent(t, [], { discovery: resolver.resolve });
  const request = http.get({ host: HOST, agent });
  const [socket] = (await once(request, 'socket')) as [Socket];
  let isClosed = false;
  socket.setTimeout(50, () => assert.equal(isClosed, false));
  const failed = once(request, 'error');
  const heard = once(socket, 'error');
  const closed = closeOf(socket);
  const pod = await startPod(t);
  await pod.kill();
  resolver.set([pod]);
  const errors = [...(await heard), ...(await failed)] as NodeJS.ErrnoException[];
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['ECONNREFUSED', 'ECONNREFUSED'],
  );
  await closed;
  isClosed = true;
  // Longer than the time that it had.
  await new Promise((resolve) => setTimeout(resolve, 100));
});

test('a request says that it has ended before its socket does', async (t) => {
  const { request } = await startWaiting(t);
  const heard: string[] = [];
  for (const name of ['error', 'close']) request.on(name, () => heard.push(`request ${name}`));
  const [socket] = (await once(request.end(), 'socket')) as [Socket];
  socket.on('error', ({ message }) => heard.push(`socket ${message}`));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.destroy(new Error('mine'));
  assert.equal(await closed, true);
  assert.deepEqual(heard, ['request error', 'request close', 'socket mine']);
});

test('a request whose time runs out while it waits has a socket to destroy', async (t) => {
  const { request } = await startWaiting(t, { timeout: 30 });
  request.once('timeout', () => request.socket!.destroy(new Error('mine')));
  await assert.rejects(answerOf(request.end()), { message: 'mine' });
});

test('a time that is set on the socket of a request, for which nobody listened, passes', async (t) => {
  const { request, connect } = await startWaiting(t, { path: '/slow', timeout: 30 });
  request.on('error', () => {}).end();
  await once(request, 'timeout');
  const heard = once(request.socket!.setTimeout(60), 'timeout');
  connect();
  await heard;
  request.destroy();
  await closeOf(request);
});

const ENDS: Record<string, (t: TestContext) => Promise<ClientRequest>> = {
  'can’t be made': async (t) => {
    const pod = await startPod(t);
    await pod.kill();
    return http.get({ host: HOST, agent: startHttpAgent(t, [pod]) });
  },
  'is no longer wanted': async (t) => {
    const { request } = await startWaiting(t);
    setTimeout(() => request.destroy(), 30);
    return request.end();
  },
};

for (const [how, start] of Object.entries(ENDS)) {
  test(`Node publishes that a request starts, and its error, whose connection ${how}`, async (t) => {
    const published: string[] = [];
    const request = await start(t);
    for (const name of ['start', 'error']) {
      const note = (message: unknown) => {
        if ((message as { request: ClientRequest }).request === request) published.push(name);
      };
      subscribe(`http.client.request.${name}`, note);
      t.after(() => unsubscribe(`http.client.request.${name}`, note));
    }
    request.on('error', () => {});
    await closeOf(request);
    assert.deepEqual(published, ['start', 'error']);
  });
}

for (const ends of ['before', 'after']) {
  test(`headers and a body that are given with the socket are sent once, of a request that ends ${ends}`, async (t) => {
    const { request, connect, bodies } = await startWaiting(t, { method: 'POST' });
    request.on('socket', () => {
      request.setHeader('x-mine', 'mine');
      request.write('first ');
      connect();
      if (ends === 'after') setImmediate(() => request.end('second'));
    });
    if (ends === 'before') process.nextTick(() => request.end('second'));
    await answerOf(request);
    assert.deepEqual(bodies, ['mine first second']);
  });
}

test('who listens to a socket that connects, or sets a time on it, puts nothing of Node’s own on it but that time', () => {
  const socket = new Socket();
  const names = new Set([...Reflect.ownKeys(socket), 'timeout']);
  socket.on('error', () => {}).once('close', () => {});
  socket.setTimeout(1_000).setTimeout(0);
  assert.deepEqual(new Set([...Reflect.ownKeys(socket), 'timeout']), names);
});
