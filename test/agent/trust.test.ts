import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, type Dispatcher } from 'undici';
import { get, load, ORIGIN, startAgent } from '../support/agent.ts';
import { answer, h2c, startH2Pod } from '../support/h2-pod.ts';
import { startPods } from '../support/pods.ts';
import { startRawServer } from '../support/raw-server.ts';

/** A pod that says these texts, one for each request, on whatever connection. */
async function startTeller(t: TestContext, ...texts: readonly string[]) {
  let told = 0;
  return startRawServer(t, (socket) => {
    socket.on('data', () => socket.write(texts[Math.min(told++, texts.length - 1)]!));
  });
}

/** What comes of a request: its body, or the code of its error. */
async function outcomeOf(client: Dispatcher, origin: string): Promise<string> {
  try {
    const { body } = await client.request({ origin, path: '/', method: 'GET' });
    return await body.text();
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

/** Sends so many requests, each when the last was served or has not been for long, and says how many were. */
async function servedInTurn(agent: Dispatcher, count: number): Promise<number> {
  const abort = new AbortController();
  const requests: Promise<unknown>[] = [];
  let served = 0;
  for (let n = 0; n < count; n++) {
    const request = agent
      .request({ origin: ORIGIN, path: '/', method: 'GET', signal: abort.signal })
      .then(({ body }) => body.dump())
      .then(() => served++);
    requests.push(request);
    await Promise.race([request, sleep(2_000)]);
  }
  abort.abort();
  await Promise.allSettled(requests);
  return served;
}

const response = (body: string) => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

test('a response that nobody asked for answers no other request, as with undici', async (t) => {
  for (const pause of [0, 20]) {
    const texts = [response('first') + response('poison'), response('second')];
    const pod = await startTeller(t, ...texts);
    const other = await startTeller(t, ...texts);
    const stock = new Agent();
    t.after(() => stock.destroy());
    const agent = startAgent(t, [pod]);
    const origin = `http://${other.endpoint.address}:${other.endpoint.port}`;
    for (const [client, where] of [
      [agent, ORIGIN],
      [stock, origin],
    ] as const) {
      await outcomeOf(client, where);
      await sleep(pause);
      assert.equal(await outcomeOf(client, where), 'second');
    }
  }
});

test('a protocol that a pod changes to unasked is an error, as with undici', async (t) => {
  const text = 'HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n';
  const [pod, other] = await Promise.all([startTeller(t, text), startTeller(t, text)]);
  const stock = new Agent();
  t.after(() => stock.destroy());
  const agent = startAgent(t, [pod], { retry: false });
  const { address, port } = other.endpoint;
  assert.equal(await outcomeOf(agent, ORIGIN), await outcomeOf(stock, `http://${address}:${port}`));
});

test('a pod that talks on before its response holds up nobody at the others', async (t) => {
  const pods = await startPods(t, 2);
  const talker = await startTeller(t, 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'.repeat(500));
  const agent = startAgent(t, [...pods, talker]);
  assert.ok((await servedInTurn(agent, 60)) >= 57);
});

test('nothing that a response names is connected to', async (t) => {
  const [pods, elsewhere] = await Promise.all([startPods(t, 2), startPods(t, 1)]);
  const { address, port } = elsewhere[0]!;
  for (const pod of pods) {
    pod.respond = (_request, response) => {
      response.setHeader('alt-svc', `h2="${address}:${port}"; ma=3600, h3="${address}:${port}"`);
      response.setHeader('location', `http://${address}:${port}/`);
      response.setHeader('content-location', `http://${address}:${port}/`);
      response.setHeader('refresh', `0; url=http://${address}:${port}/`);
      response.setHeader('link', `<http://${address}:${port}/>; rel=preconnect`);
      response.writeHead(302).end();
    };
  }
  const agent = startAgent(t, pods);
  for (let n = 0; n < 20; n++) {
    const { statusCode, body } = await agent.request({ origin: ORIGIN, path: '/', method: 'GET' });
    assert.equal(statusCode, 302);
    await body.dump();
  }
  assert.equal(elsewhere[0]!.connections.length, 0);
  assert.equal(agent.stats[ORIGIN]!.endpoints.length, 2);
});

test('a pod that closes its connections after each response changes nothing for the others', async (t) => {
  const pods = await startPods(t, 5);
  pods[0]!.respond = (_request, response) => void response.setHeader('connection', 'close').end('x');
  const agent = startAgent(t, pods);
  await load(agent, 40);
  const before = pods.map(({ connections }) => connections.length);
  const requests = pods.map((pod) => pod.requests);
  await load(agent, 400, 2);
  const grown = pods.map((pod, n) => pod.requests - requests[n]!);
  // Eighty each, were all alike.
  for (const count of grown.slice(1)) assert.ok(count >= 70 && count <= 110, `${grown}`);
  const opened = pods.slice(1).reduce((sum, pod, n) => sum + pod.connections.length - before[n + 1]!, 0);
  assert.ok(opened <= 8, `${opened} connections to the others`);
});

test('a pod of HTTP/2 may not push, as with undici', async (t) => {
  const allowed: boolean[] = [];
  const pod = await startH2Pod(t, (stream, headers, nth) => {
    allowed.push(stream.pushAllowed);
    answer(stream, headers, nth);
  });
  const agent = startAgent(t, [pod], h2c);
  await get(agent);
  const stock = new Agent({ useH2c: true } as Agent.Options);
  t.after(() => stock.destroy());
  await outcomeOf(stock, `http://${pod.endpoint.address}:${pod.endpoint.port}`);
  assert.deepEqual(allowed, [false, false]);
});

test('a pod of HTTP/2 that allows 0 streams at once keeps no request from the others', async (t) => {
  const none = await startH2Pod(t, answer, { maxConcurrentStreams: 0 });
  const others = await Promise.all([startH2Pod(t), startH2Pod(t)]);
  const agent = startAgent(t, [none, ...others], h2c);
  // It has what came before it said so, as with undici.
  assert.ok((await servedInTurn(agent, 60)) >= 57);
  assert.equal(none.streams, 0);
});

test('a caller who has next to no time for any request has no pod ejected that serves others', async (t) => {
  const pods = await startPods(t, 5);
  for (const pod of pods) pod.respond = (_request, response) => setTimeout(() => response.end('x'), 20);
  const agent = startAgent(t, pods);
  const hasty = async () => {
    for (let n = 0; n < 200; n++) {
      const signal = AbortSignal.timeout(3);
      await agent.request({ origin: ORIGIN, path: '/', method: 'GET', signal }).catch(() => {});
    }
  };
  await Promise.all([hasty(), hasty(), load(agent, 150, 4)]);
  for (const { state, address } of agent.stats[ORIGIN]!.endpoints) assert.notEqual(state, 'ejected', address);
});

test('a caller who aborts all requests keeps nobody from the others’', async (t) => {
  const pods = await startPods(t, 3);
  const agent = startAgent(t, pods);
  let over = false;
  const aborting = async () => {
    while (!over) {
      const abort = new AbortController();
      const request = agent.request({ origin: ORIGIN, path: '/slow', method: 'GET', signal: abort.signal });
      await sleep(2);
      abort.abort();
      await request.catch(() => {});
    }
  };
  const all = [aborting(), aborting()];
  await load(agent, 300, 3);
  over = true;
  await Promise.all(all);
  for (const { state, inFlight } of agent.stats[ORIGIN]!.endpoints) {
    assert.notEqual(state, 'ejected');
    assert.equal(inFlight, 0);
  }
});
