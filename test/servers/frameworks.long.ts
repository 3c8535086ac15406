import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import * as http2 from 'node:http2';
import { createRequire } from 'node:module';
import { type AddressInfo, connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import fastify from 'fastify';
import { identifyAll } from '../../src/servers/identify.ts';

type Handler = (request: unknown, response: { json(value: unknown): void }) => void;
type Express = () => RequestListener & {
  get(path: string, handler: Handler): void;
  set(setting: string, value: string): void;
};

/** It comes without types. */
const express = createRequire(import.meta.url)('express') as Express;
const PATHS = ['/found', '/missing', '/failing'];
const NAME = /evenkeel-pod: [\w-]{16}\n/;

/** What servers answer on one connection each: found, not found, failed. */
const frameworks: Record<string, (t: TestContext) => Promise<string>> = {
  async Express(t) {
    const app = express();
    // It writes no errors into the log then.
    app.set('env', 'test');
    app.get('/found', (_, response) => void response.json({ a: 1 }));
    app.get('/failing', () => {
      throw Object.assign(new Error('of the app'), { stack: '' });
    });
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => void server.close());
    return answers((server.address() as AddressInfo).port);
  },
  async Fastify(t) {
    return answers(await listen(t, fastify()));
  },
  async 'Fastify over HTTP/2'(t) {
    return answersOfHttp2(await listen(t, fastify({ http2: true }) as never));
  },
};

test('with Express and Fastify, the first response of a connection has the name, and nothing else changes', async (t) => {
  const plain = await Promise.all(Object.values(frameworks).map((play) => play(t)));
  identifyAll();
  for (const [n, [framework, play]] of Object.entries(frameworks).entries()) {
    const named = await play(t);
    assert.match(named, NAME, framework);
    assert.equal(named.replace(NAME, ''), plain[n], framework);
  }
});

async function listen(t: TestContext, app: ReturnType<typeof fastify>): Promise<number> {
  app.get('/found', async () => ({ a: 1 }));
  app.get('/failing', async () => {
    throw new Error('of the app');
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  t.after(() => app.close());
  return (app.server.address() as AddressInfo).port;
}

async function answers(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const [last] = PATHS.slice(-1);
  for (const path of PATHS) {
    const connection = path === last ? 'close' : 'keep-alive';
    socket.write(`GET ${path} HTTP/1.1\r\nHost: orders.prod\r\nConnection: ${connection}\r\n\r\n`);
  }
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text.replaceAll('\r', '').replace(/^date: .*\n/gim, '');
}

async function answersOfHttp2(port: number): Promise<string> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  let text = '';
  for (const path of PATHS) {
    const stream = session.request({ ':path': path });
    const [{ date: _, ...head }] = await once(stream, 'response');
    for (const [name, value] of Object.entries(head)) text += `${name}: ${value}\n`;
    for await (const chunk of stream) text += chunk;
  }
  session.destroy();
  return text;
}
