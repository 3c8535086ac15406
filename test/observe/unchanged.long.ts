import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer } from 'node:net';
import type { TestContext } from 'node:test';
import { certificateFor } from '../support/certificate.ts';
import { nextAddress } from '../support/pods.ts';
import { NODES, run, testOnNode } from '../support/versions.ts';
import { UNTIL_OBSERVED } from './observing.ts';

const REGISTER = import.meta.resolve('../../src/register.ts');
const COPIES = ['undici', 'undici6', 'undici7'].map((name) => import.meta.resolve(name));
const UPGRADED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n';
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A server that writes down each byte of each connection, and answers what it takes for a request. */
async function startRecorder(t: TestContext) {
  const connections: string[] = [];
  const server = createServer((socket) => {
    const index = connections.push('') - 1;
    socket.setEncoding('latin1').on('error', () => {});
    socket.on('data', (text: string) => {
      connections[index] += text;
      if (/^upgrade: /im.test(text)) socket.write(UPGRADED);
      else if (/\r\n\r\n$|BODY$|0\r\n\r\n$/.test(text)) socket.write(ANSWER);
    });
  });
  server.listen(0, nextAddress());
  await once(server, 'listening');
  t.after(() => server.close());
  const { address, port } = server.address() as AddressInfo;
  return { url: `http://${address}:${port}`, taken: () => connections.splice(0) };
}

/** The same for HTTP/2, as far as its library tells. */
async function startStreamRecorder(t: TestContext) {
  const streams: unknown[] = [];
  const address = nextAddress();
  const server = createSecureServer(certificateFor(`IP:${address}`));
  server.on(
    'stream',
    async (stream: ServerHttp2Stream, _headers: object, _flags: number, rawHeaders: string[]) => {
      const body = await stream.setEncoding('utf8').toArray();
      streams.push([rawHeaders, body.join('')]);
      stream.respond({ ':status': 200 });
      stream.end('ok');
    },
  );
  server.on('session', (session) => session.on('remoteSettings', (settings) => streams.push(settings)));
  server.listen(0, address);
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { url: `https://${address}:${port}`, taken: () => streams.splice(0) };
}

const APP = `
  const { H1, H2, COPIES } = process.env;
  ${UNTIL_OBSERVED}
  const results = [];
  const use = async (promise) => results.push(await promise.then((text) => text, ({ name, code }) => name + code));
  const post = { method: 'POST', body: 'BODY', headers: { 'X-Case': 'Kept', cookie: 'a=b; c=d' } };
  await use(fetch(H1 + '/a?b=c').then((response) => response.text()));
  await use(fetch(H1, post).then((response) => response.text()));
  for (const copy of JSON.parse(COPIES)) {
    const { Agent, Client, fetch, request, upgrade } = await import(copy);
    await use(fetch(H1 + '/a').then((response) => response.text()));
    await use(request(H1 + '/b', post).then(({ body }) => body.text()));
    await use(request(H1 + '/c', { ...post, body: (async function* () { yield 'some'; })() }).then(({ body }) => body.text()));
    await use(upgrade(H1 + '/d', { protocol: 'echo' }).then(({ socket }) => void socket.destroy()));
    const client = new Client(H1);
    await use(client.request({ path: '/e', method: 'HEAD' }).then(({ statusCode, body }) => body.dump().then(() => statusCode)));
    await client.close();
    const agent = new Agent({ allowH2: true, connect: { rejectUnauthorized: false } });
    await use(agent.request({ origin: H2, path: '/f', method: 'GET' }).then(({ body }) => body.text()));
    await use(agent.request({ origin: H2, path: '/g', ...post }).then(({ body }) => body.text()));
    await agent.close();
  }
  const http = await import('node:http');
  const heard = [];
  const send = (path, { body, ...options } = {}) =>
    new Promise((resolve, reject) => {
      const events = [];
      heard.push(events);
      const request = http.request(H1 + path, { agent, ...options });
      for (const name of ['socket', 'finish', 'response', 'upgrade', 'error', 'close']) request.on(name, () => events.push(name));
      request.on('socket', (socket) => {
        for (const name of ['connect', 'ready', 'close']) socket.once(name, () => events.push('socket ' + name));
        events.push(socket.connecting, socket.listenerCount('data'));
      });
      request.on('upgrade', (_response, socket) => resolve(void socket.destroy()));
      request.on('response', (response) => response.setEncoding('utf8').toArray().then((texts) => resolve(texts.join('')), reject));
      request.on('error', reject).end(body);
    });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  await use(send('/h'));
  await use(send('/i', post));
  await use(Promise.all([send('/j'), send('/k'), send('/l')]).then(String));
  await use(send('/m', { headers: { connection: 'upgrade', upgrade: 'echo' } }));
  await use(send('/n', { agent: false }));
  await use(send('/o', { signal: AbortSignal.abort() }));
  await use(send('/p', { host: '127.0.0.1', port: 1 }));
  agent.destroy();
  results.push(heard);
  console.log(JSON.stringify(results));
  process.exit();`;

for (const major of NODES) {
  testOnNode(
    major,
    `on Node ${major}, what is sent is the same with and without it, byte for byte`,
    async (t, binary) => {
      const [h1, h2] = await Promise.all([startRecorder(t), startStreamRecorder(t)]);
      const sent = async (env: Record<string, string>) => {
        const args = ['--import', REGISTER, '--input-type=module', '-e', APP];
        const variables = { H1: h1.url, H2: h2.url, COPIES: JSON.stringify(COPIES), ...env };
        const { code, stdout, stderr } = await run(binary, args, variables);
        assert.equal(code, 0, stderr);
        return { stdout, connections: h1.taken(), streams: h2.taken() };
      };
      const without = await sent({ EVENKEEL_DISABLED: '1' });
      const observed = await sent({ EVENKEEL_MODE: 'observe' });
      assert.ok(without.connections.length > 1 && without.streams.length > 5);
      assert.deepEqual(observed, without);
    },
  );
}
