import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { identify } from '../../src/servers/identify.ts';

const NAME = /^evenkeel-pod: [\w-]{16}\r\n/m;

/** All that a server sends to a client that sends this. */
async function answerTo(t: TestContext, server: Server, sent: string): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write(sent);
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text;
}

const GET = 'GET / HTTP/1.1\r\nHost: orders.prod\r\nConnection: close\r\n\r\n';

test('a response whose class lets nobody assign its methods has the name as well', async (t) => {
  class Sealed extends ServerResponse {}
  Object.defineProperty(Sealed.prototype, 'writeHead', { get: () => ServerResponse.prototype.writeHead });
  const server = createServer(
    { ServerResponse: Sealed },
    (_, response) => void response.writeHead(201).end(),
  );
  identify(server);
  assert.match(await answerTo(t, server, GET), NAME);
});

test('a client of HTTP/1.0 gets what it gets without the name, and the name', async (t) => {
  const answers = [false, true].map((isIdentified) => {
    const server = createServer((_, response) => {
      response.sendDate = false;
      response.end('yes');
    });
    if (isIdentified) identify(server);
    return answerTo(t, server, 'GET / HTTP/1.0\r\n\r\n');
  });
  const [plain, identified] = await Promise.all(answers);
  assert.match(identified!, NAME);
  assert.equal(identified!.replace(NAME, ''), plain);
});

test('of requests that are sent at once, the first response has the name, whichever is written first', async (t) => {
  const responses: ServerResponse[] = [];
  const server = createServer((_, response) => {
    if (responses.push(response) < 2) return;
    responses[1]!.writeHead(201).end();
    responses[0]!.writeHead(200).end();
  });
  identify(server);
  const answer = await answerTo(t, server, GET.replace('close', 'keep-alive') + GET);
  assert.match(answer, /^HTTP\/1.1 200 OK\r\nevenkeel-pod/);
  assert.equal(answer.match(/evenkeel-pod/g)!.length, 1);
});

test('what is no response of an app has no name', async (t) => {
  const upgrade = 'GET / HTTP/1.1\r\nHost: orders.prod\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n';
  for (const sent of [upgrade, 'nonsense\r\n\r\n']) {
    const server = createServer(() => assert.fail('it has no request'));
    server.on('upgrade', (_, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'));
    identify(server);
    const answer = await answerTo(t, server, sent);
    assert.match(answer, /^HTTP\/1.1 (101|400)/);
    assert.doesNotMatch(answer, NAME);
  }
});
