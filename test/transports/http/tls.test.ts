import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import {
  Agent,
  type AgentOptions,
  createServer,
  get,
  request as httpsRequest,
  type Server,
} from 'node:https';
import { type AddressInfo, connect, createServer as createPlain, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { BalancedHttpsAgent, type BalancedHttpsAgentOptions } from '../../../src/http.ts';
import { install, staticResolver, uninstall } from '../../../src/index.ts';
import { type Certificate, certificateFor } from '../../support/certificate.ts';
import { answerOf, ask, HOST, ManualResolver } from '../../support/http-agent.ts';
import { nextAddress } from '../../support/pods.ts';

const certificate = certificateFor(`DNS:${HOST}`, 'DNS:other.prod');
const ca = certificate.cert;

class TlsPod {
  readonly sockets: TLSSocket[] = [];
  readonly server: Server;

  constructor({ key, cert }: Certificate) {
    this.server = createServer({ key, cert }, (_request, response) => response.end('secret'));
    this.server.on('secureConnection', (socket) => this.sockets.push(socket));
  }

  get endpoint() {
    const { address, port } = this.server.address() as AddressInfo;
    return { address, port };
  }
}

async function start(t: TestContext, options: BalancedHttpsAgentOptions = {}) {
  const pod = new TlsPod(certificate);
  pod.server.listen(0, nextAddress());
  await once(pod.server, 'listening');
  const agent = new BalancedHttpsAgent({ discovery: new ManualResolver([pod]).resolve, ...options });
  t.after(() => {
    agent.destroy();
    pod.server.close();
    pod.server.closeAllConnections();
  });
  return { pod, agent };
}

test('TLS asks for the name of the service, and checks it, whatever address is dialled', async (t) => {
  const { pod, agent } = await start(t, { ca });
  const { body, request } = await ask(agent, { secure: true });
  assert.equal(body, 'secret');
  const socket = request.socket as TLSSocket;
  assert.deepEqual([pod.sockets[0]!.servername, socket.authorized], [HOST, true]);

  // By the Host header, as Node has it.
  await ask(agent, { secure: true, headers: { host: 'other.prod:8443' } });
  assert.equal(pod.sockets[1]!.servername, 'other.prod');
  await assert.rejects(ask(agent, { secure: true, host: 'wrong.prod' }), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  });
});

test('what decides whom TLS trusts decides which connections are shared', async (t) => {
  const { pod, agent } = await start(t);
  await assert.rejects(ask(agent, { secure: true }), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  await ask(agent, { secure: true, ca } as object);
  await assert.rejects(ask(agent, { secure: true }), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  await ask(agent, { secure: true, ca: Buffer.from(ca) } as object);
  await ask(agent, { secure: true, rejectUnauthorized: false } as object);
  await ask(agent, { secure: true, ca, minVersion: 'TLSv1.3' } as object);
  const trusted = pod.sockets.filter(({ destroyed }) => !destroyed);
  assert.equal(trusted.length, 3);
});

test('many names that TLS asks for at one host drive out no other host', async (t) => {
  const { pod, agent } = await start(t, { ca, maxOrigins: 2, rejectUnauthorized: false });
  await ask(agent, { secure: true });
  for (let n = 0; n < 5; n++)
    await ask(agent, { secure: true, port: 8443, headers: { host: `${n}.example` } });
  const before = pod.sockets.length;
  await ask(agent, { secure: true });
  assert.equal(pod.sockets.length, before);
});

test('an agent whose options change makes new connections', async (t) => {
  const { agent } = await start(t, { ca });
  await ask(agent, { secure: true });
  (agent as unknown as { options: { ca: unknown } }).options.ca = undefined;
  await assert.rejects(ask(agent, { secure: true }), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
});

test('who checks the certificate by the socket’s secureConnect is asked before anything is written', async (t) => {
  const { pod, agent } = await start(t, { ca });
  let seen = 0;
  pod.server.on('request', () => seen++);
  const check = (trusts: boolean) => {
    const request = get({ host: HOST, agent });
    request.once('socket', (socket) => {
      if (request.reusedSocket && socket.listenerCount('secureConnect') > 0) return;
      socket.once('secureConnect', () => {
        assert.notEqual((socket as TLSSocket).getPeerCertificate().fingerprint256, undefined);
        if (!trusts) request.destroy(new Error('not trusted'));
      });
    });
    return answerOf(request);
  };
  await assert.rejects(check(false), { message: 'not trusted' });
  assert.equal(seen, 0);
  await check(true);
  assert.equal(seen, 1);
});

test('who checks the certificate of the first socket is asked for that of the next one, too, when a request goes elsewhere', async (t) => {
  const { pod, agent } = await start(t, { ca });
  const { pod: other } = await start(t);
  const agent2 = new BalancedHttpsAgent({ ca, discovery: new ManualResolver([pod, other]).resolve });
  t.after(() => agent2.destroy());
  agent.destroy();
  let breaks = true;
  const checked: string[] = [];
  for (const { server } of [pod, other]) {
    server.prependListener('request', (request) => {
      if (breaks) request.socket.destroy();
      breaks = false;
    });
  }
  const request = get({ host: HOST, agent: agent2 });
  request.once('socket', (socket) => {
    socket.once('secureConnect', () =>
      checked.push((socket as TLSSocket).getPeerCertificate().fingerprint256),
    );
  });
  assert.equal((await answerOf(request)).status, 200);
  assert.equal(checked.length, 2);
});

for (const passes of [true, false]) {
  test(`who checks the certificate of a connection that takes long is asked before anything is sent, and again as the request goes elsewhere: ${passes}`, async (t) => {
    const { pod } = await start(t);
    const { pod: other } = await start(t);
    const resolver = new ManualResolver();
    const agent = new BalancedHttpsAgent({ ca, discovery: resolver.resolve });
    t.after(() => agent.destroy());
    let seen = 0;
    for (const { server } of [pod, other]) {
      server.prependListener('request', (request) => {
        if (seen++ === 0) request.socket.destroy();
      });
    }
    const checked: unknown[] = [];
    const request = get({ host: HOST, agent });
    request.once('socket', (socket) => {
      checked.push(socket.connecting);
      resolver.set([pod, other]);
      socket.once('secureConnect', () => {
        checked.push((socket as TLSSocket).getPeerCertificate().subject.CN);
        if (!passes) socket.destroy(new Error('not trusted'));
      });
    });
    if (passes) assert.equal((await answerOf(request)).status, 200);
    else await assert.rejects(answerOf(request), { message: 'not trusted' });
    // Of the second connection it hears once that is there.
    assert.deepEqual(checked, passes ? [true, 'test', false, 'test'] : [true, 'test']);
    assert.equal(seen, passes ? 2 : 0);
  });
}

for (const [how, headers, maxRequestsPerConnection] of [
  ['keeps connections', {}, 1],
  ['asks for a close', { connection: 'close' }, 0],
] as const) {
  test(`a caller that ${how}: a connection takes up the session of the last one to its pod, once a request was answered on that`, async (t) => {
    const { agent } = await start(t, { ca, maxRequestsPerConnection });
    const reused: boolean[] = [];
    // Connections are made ahead of requests: some without a session yet.
    for (let n = 0; n < 20 && reused.at(-1) !== true; n++) {
      const request = get({ host: HOST, agent, headers });
      // With the response: a socket that stands for a connection under way can't tell.
      request.once('response', ({ socket }) => reused.push((socket as TLSSocket).isSessionReused()));
      await answerOf(request);
    }
    assert.equal(reused[0], false);
    assert.equal(reused.at(-1), true);
  });
}

test('a request whose connection ends closes in its caller’s context', async (t) => {
  const { pod, agent } = await start(t, { ca });
  pod.server.on('request', (request) => request.url === '/end' && request.socket.destroy());
  const store = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  for (const method of ['GET', 'POST']) {
    const request = store.run(method, () => httpsRequest({ host: HOST, agent, method, path: '/end' }));
    request.on('error', () => seen.push(store.getStore()));
    request.end();
    await new Promise<void>((resolve) => {
      request.on('response', (response) => response.resume());
      request.on('close', () => {
        seen.push(store.getStore());
        resolve();
      });
    });
  }
  assert.ok(seen.length >= 2 && !seen.includes(undefined), JSON.stringify(seen));
});

test('a request that brings its connection along is sent on that', async (t) => {
  const { pod, agent } = await start(t, { ca });
  const { address, port } = pod.endpoint;
  const socket = connect(port, address);
  const { request } = await ask(agent, { secure: true, servername: HOST, socket } as object);
  assert.equal(request.socket?.localPort, socket.localPort);
  assert.deepEqual(agent.stats, {});
});

test('a request that brings a check of its own is sent as Node’s agent sends it', async (t) => {
  const { pod, agent } = await start(t, { ca });
  const { address, port } = pod.endpoint;
  let asked = 0;
  const checkServerIdentity = () => void asked++;
  for (let n = 0; n < 2; n++) {
    await ask(agent, { secure: true, host: address, port, servername: HOST, checkServerIdentity } as object);
  }
  assert.equal(asked, 2);
  assert.deepEqual(agent.stats, {});
});

test('an agent that somebody asks for the keys of its connections tells them', async (t) => {
  const { agent } = await start(t, { ca });
  const keys: [string, unknown][] = [];
  agent.on('keylog', (line: Buffer, socket: unknown) => keys.push([`${line}`, socket]));
  const { request } = await ask(agent, { secure: true });
  assert.match(keys[0]![0], /^\w+ [0-9a-f]+ [0-9a-f]+\n$/);
  assert.equal(keys[0]![1], request.socket);
});

for (const way of ['stock', 'by hand', 'installed'] as const) {
  test(`${way}: what is no TLS fails the write of what it was asked with, as with Node’s agents`, async (t) => {
    const { host, port, agent } = await startUntrue(t, way);
    await assert.rejects(ask(agent(), { secure: true, host, port }), (error: NodeJS.ErrnoException) => {
      assert.match(error.message, /^write EPROTO .*wrong version number/);
      assert.deepEqual([error.code, error.syscall, error.errno! < 0], ['EPROTO', 'write', true]);
      return true;
    });
  });

  test(`${way}: options that TLS doesn’t take are thrown as the request is made, as with Node’s agents`, async (t) => {
    const { host, port, agent } = await startUntrue(t, way);
    for (const options of [{ ciphers: 'nonsense' }, { cert: 'nonsense', key: 'nonsense' }]) {
      for (let n = 0; n < 2; n++)
        assert.throws(() => get({ host, port, agent: agent(options) }), { code: /^ERR_/ });
    }
  });
}

for (const way of ['stock', 'by hand', 'installed'] as const) {
  for (const when of ['before it has a socket', 'with the socket']) {
    test(`${way}: a time that is set ${when} passes while a server takes the connection, and says nothing of TLS`, async (t) => {
      const { host, port, agent } = await startUntrue(t, way, () => {});
      const request = get({ host, port, agent: agent() });
      let times = 0;
      const limit = () => {
        request.setTimeout(50, () => {
          times++;
          request.destroy();
        });
      };
      if (when === 'with the socket') request.once('socket', limit);
      else limit();
      await assert.rejects(answerOf(request), { code: 'ECONNRESET' });
      assert.equal(times, 1);
    });
  }
}

/** A server that speaks no TLS. */
async function startUntrue(
  t: TestContext,
  way: 'stock' | 'by hand' | 'installed',
  speak = (socket: Socket) => void socket.end('HTTP/1.1 400 Bad\r\n\r\n'),
) {
  const server = createPlain((socket) =>
    speak(
      socket
        .on('error', () => {})
        .on('end', () => socket.end())
        .resume(),
    ),
  );
  server.listen(0, nextAddress());
  await once(server, 'listening');
  t.after(() => server.close());
  const { address: host, port } = server.address() as AddressInfo;
  if (way === 'installed') {
    install({ discovery: staticResolver([{ address: host, port }]), hosts: [host] });
    t.after(() => uninstall());
  }
  const agent = (options: BalancedHttpsAgentOptions = {}) => {
    const made =
      way === 'by hand'
        ? new BalancedHttpsAgent(options)
        : new Agent({ keepAlive: true, ...(options as AgentOptions) });
    t.after(() => made.destroy());
    return made;
  };
  return { host, port, agent };
}
