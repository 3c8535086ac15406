import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { Agent, type AgentOptions, type RequestOptions } from 'node:http';
import { BlockList } from 'node:net';
import { test } from 'node:test';
import { staticResolver } from '../../../src/core/discovery/static.ts';
import { BalancedHttpAgent, BalancedHttpsAgent } from '../../../src/http.ts';
import { ask, HOST, ManualResolver, startHttpAgent } from '../../support/http-agent.ts';
import { startPod, startPods } from '../../support/pods.ts';

test('requests go to all pods alike, each over a connection that is kept', async (t) => {
  const pods = await startPods(t, 3);
  const agent = startHttpAgent(t, pods);

  for (let n = 0; n < 30; n++) await ask(agent);
  await Promise.all(Array.from({ length: 9 }, () => ask(agent)));

  for (const { requests } of pods) assert.ok(requests >= 12 && requests <= 14);
  assert.ok(pods.every(({ connections }) => connections.length <= 3));
});

test('the first requests of a process, which come at once, go to all pods', async (t) => {
  const pods = await startPods(t, 4);
  const agent = startHttpAgent(t, pods);
  await Promise.all(Array.from({ length: 12 }, () => ask(agent)));
  const requests = pods.map((pod) => pod.requests);
  assert.ok(Math.min(...requests) >= 2, `${requests}`);
});

test('a request sees the name, not the address: in its Host header, and in all it says of itself', async (t) => {
  const pod = await startPod(t);
  const agent = startHttpAgent(t, [pod]);
  let host: string | undefined;
  pod.respond = (request, response) => {
    host = request.headers.host;
    response.end();
  };

  const { request } = await ask(agent, { path: '/a?b' });

  assert.equal(host, HOST);
  assert.deepEqual([request.host, request.path, request.protocol], [HOST, '/a?b', 'http:']);
  assert.equal((request as unknown as { agent: Agent }).agent, agent);
});

test('a pod that is added has its share of requests at once', async (t) => {
  const pods = await startPods(t, 3);
  const resolver = new ManualResolver(pods.slice(0, 2));
  const agent = startHttpAgent(t, [], { discovery: resolver.resolve });
  for (let n = 0; n < 10; n++) await ask(agent);

  resolver.set(pods);
  while (pods[2]!.connections.length === 0) await ask(agent);
  const before = pods.map(({ requests }) => requests);
  for (let n = 0; n < 30; n++) await ask(agent);

  assert.ok(pods[2]!.requests - before[2]! >= 9);
});

test('twenty requests, each begun in the last one’s end, need one connection', async (t) => {
  const pod = await startPod(t);
  const agent = startHttpAgent(t, [pod]);
  await new Promise<void>((resolve) => {
    const send = (left: number) => {
      http.get({ host: HOST, agent }, (response) => {
        response.resume().on('end', () => (left > 1 ? send(left - 1) : resolve()));
      });
    };
    send(20);
  });
  assert.equal(pod.connections.length, 1);
});

test('a request with a key goes where its key leads', async (t) => {
  const pods = await startPods(t, 4);
  const agent = startHttpAgent(t, pods, { policy: 'ring-hash', ringHash: { header: 'x-user' } });
  for (let n = 0; n < 12; n++) await ask(agent, { headers: { 'X-User': 'ann' } });
  assert.deepEqual(pods.map(({ requests }) => requests).sort(), [0, 0, 0, 12]);
});

test('a connection past its age takes no more requests, and none waits for its successor', async (t) => {
  const pod = await startPod(t);
  const agent = startHttpAgent(t, [pod], { maxConnectionDuration: 150, connectionDurationJitter: 0 });
  // A process that stands still ends nothing in time.
  let stall = 0;
  for (let last = performance.now(); pod.connections.length < 4; ) {
    await ask(agent);
    const now = performance.now();
    stall = Math.max(stall, now - last);
    last = now;
  }
  for (const { opened, lastRequest } of pod.connections) assert.ok(lastRequest - opened < 250 + stall);
});

test('a server that closes each connection after its response, unannounced, costs no GET an error', async (t) => {
  const pods = await startPods(t, 2);
  for (const pod of pods) {
    pod.respond = (request, response) => {
      response.end('hello', () => setImmediate(() => request.socket.destroy()));
    };
  }
  const agent = startHttpAgent(t, pods);
  for (let n = 0; n < 150; n++) assert.equal((await ask(agent)).body, 'hello');
});

test('the headers of a response, of which Node makes an object once somebody asks, are left as they came', async (t) => {
  const pod = await startPod(t);
  const agent = startHttpAgent(t, [pod]);
  await ask(agent);
  const { response } = await ask(agent);
  const made = Object.getOwnPropertySymbols(response).find(({ description }) => description === 'kHeaders')!;
  const isMade = () => (response as unknown as Record<symbol, unknown>)[made] !== null;
  assert.equal(isMade(), false);
  assert.equal(response.headers.connection, 'keep-alive');
  assert.equal(isMade(), true);
});

test('what a pod answers with counts in the stats, and a closed agent has none under way', async (t) => {
  const pod = await startPod(t);
  const agent = startHttpAgent(t, [pod]);
  await ask(agent);
  const { running, connected, endpoints } = agent.stats[`http://${HOST}`]!;
  assert.deepEqual([running, connected, endpoints[0]!.requests, endpoints[0]!.failures], [0, 1, 1, 0]);
});

test('an agent is one of Node’s, and closes when what it has taken has ended', async (t) => {
  const pod = await startPod(t);
  const agent = startHttpAgent(t, [pod], { maxSockets: 1 });
  assert.ok(agent instanceof Agent);
  assert.ok(new BalancedHttpsAgent() instanceof (await import('node:https')).Agent);

  const first = ask(agent, { path: '/slow' });
  const second = ask(agent);
  await pod.received('/slow');
  const closed = agent.close();
  await assert.rejects(ask(agent), { code: 'ERR_AGENT_CLOSED', message: 'the agent is closed' });
  pod.release('/slow');
  assert.equal((await first).status, 200);
  assert.equal((await second).status, 200);
  await closed;
  await pod.allClosed();
});

test('destroy ends requests as Node’s does, those that wait with a word of ours, and takes no more', async (t) => {
  const pod = await startPod(t);
  const agent = startHttpAgent(t, [pod], { maxSockets: 1 });
  const first = ask(agent, { path: '/slow' });
  const second = ask(agent);
  await pod.received('/slow');
  agent.destroy();
  await Promise.all([
    assert.rejects(first, { code: 'ECONNRESET', message: 'socket hang up' }),
    assert.rejects(second, { code: 'ERR_AGENT_DESTROYED' }),
  ]);
  await assert.rejects(ask(agent), { code: 'ERR_AGENT_DESTROYED' });
  await pod.allClosed();
});

test('maxSockets holds for each host, maxTotalSockets for all, and the maps tell who has one and who waits', async (t) => {
  const pod = await startPod(t);
  const agent = startHttpAgent(t, [pod], { maxSockets: 2 });
  const all = Array.from({ length: 5 }, () => ask(agent, { path: '/slow' }));
  while (pod.requests < 2) await once(pod, 'request');
  const name = `${HOST}:80:`;
  assert.deepEqual([agent.sockets[name]!.length, agent.requests[name]!.length], [2, 3]);
  while (pod.requests < 5) {
    pod.release('/slow');
    await once(pod, 'request');
    assert.ok(agent.sockets[name]!.length <= 2);
  }
  pod.release('/slow');
  await Promise.all(all);
  assert.deepEqual([{ ...agent.sockets }, { ...agent.requests }], [{}, {}]);

  const limited = startHttpAgent(t, [pod], { maxTotalSockets: 1 });
  const one = ask(limited, { path: '/slow/one' });
  const two = ask(limited, { path: '/slow/two', host: 'other.prod' });
  await pod.received('/slow/one');
  assert.ok(!pod.paths.includes('/slow/two'));
  pod.release('/slow/one');
  await one;
  await pod.received('/slow/two');
  pod.release('/slow/two');
  await two;
});

test('a limit that is raised holds from the next end of a request on', async (t) => {
  const pod = await startPod(t);
  const agent = startHttpAgent(t, [pod], { maxSockets: 1 });
  const all = Array.from({ length: 5 }, () => ask(agent, { path: '/slow' }));
  await pod.received('/slow');
  agent.maxSockets = 4;
  pod.release('/slow');
  while (pod.requests < 5) await once(pod, 'request');
  pod.release('/slow');
  await Promise.all(all);
});

test('a request that comes once a limit was raised waits for none of those before it', async (t) => {
  const pod = await startPod(t);
  const agent = startHttpAgent(t, [pod], { maxSockets: 1 });
  const slow = [ask(agent, { path: '/slow' }), ask(agent, { path: '/slow' })];
  await pod.received('/slow');
  agent.maxSockets = 3;
  assert.equal((await ask(agent)).status, 200);
  while (pod.requests < 3) await once(pod, 'request');
  pod.release('/slow');
  await Promise.all(slow);
});

test('options are those of evenkeel and of Node, and others are refused by name', async (t) => {
  const pod = await startPod(t);
  const refused = (options: object | string, message: RegExp | string) =>
    assert.throws(() => new BalancedHttpAgent(options as object), { name: 'InvalidArgumentError', message });
  refused(
    { maxConectionDuration: 1 },
    /unknown option maxConectionDuration; did you mean maxConnectionDuration/,
  );
  refused({ maxSocket: 5 }, 'unknown option maxSocket; did you mean maxSockets?');
  refused({ rejectUnauthorised: false }, /; did you mean rejectUnauthorized\?$/);
  refused('http://orders.prod', 'options must be an object, got http://orders.prod');
  refused({ spread: 0 }, /spread must be/);
  refused({ lookup: () => {} }, /unsupported lookup: use discovery instead/);
  refused({ headersTimeout: 1 }, /unsupported headersTimeout: it is an option of undici's/);
  refused({ scheduling: 'fifo' }, /unsupported scheduling/);
  assert.throws(() => new BalancedHttpAgent({ maxTotalSockets: 0 }), { code: 'ERR_OUT_OF_RANGE' });

  const agent = startHttpAgent(t, [pod], {
    keepAlive: false,
    noDelay: true,
    timeout: 1_000,
    keepAliveMsecs: 5_000,
  });
  const { keepAlive, keepAliveMsecs, options } = agent as unknown as Record<string, unknown>;
  assert.deepEqual([keepAlive, keepAliveMsecs], [false, 5_000]);
  assert.equal((options as AgentOptions & { noDelay: boolean }).noDelay, true);
  const { request } = await ask(agent);
  assert.equal(request.getHeader('connection') ?? 'close', 'close');
  await pod.allClosed();
});

test('a request may not go where its own block list says so', async (t) => {
  const pod = await startPod(t);
  const agent = startHttpAgent(t, [pod]);
  const blockList = new BlockList();
  blockList.addAddress(pod.address);
  const options = { host: pod.address, port: pod.port, blockList };
  await assert.rejects(ask(agent, options), { code: 'ERR_IP_BLOCKED' });
  assert.equal(pod.requests, 0);
});

test('a host that the option leaves out is Node’s affair', async (t) => {
  const [pod, other] = await startPods(t, 2);
  const discovery = staticResolver([pod!.endpoint]);
  const agent = startHttpAgent(t, [], { discovery, hosts: ['*.prod'] });
  assert.equal((await ask(agent)).body, pod!.address);
  assert.equal((await ask(agent, { host: other!.address, port: other!.port })).body, other!.address);
});

test('bad requests throw as with Node’s agent, and at the same moment', () => {
  const agent = new BalancedHttpAgent();
  const same = (options: http.RequestOptions) => {
    const thrown = (own: Agent) => {
      try {
        http
          .request({ host: HOST, ...options, agent: own })
          .on('error', () => {})
          .destroy();
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        return `${code} ${message}`;
      }
      return undefined;
    };
    const stock = thrown(new Agent({ keepAlive: true }));
    assert.notEqual(stock, undefined);
    assert.equal(thrown(agent), stock);
  };
  same({ protocol: 'https:' });
  same({ method: 'NO WAY' });
  same({ path: '/ a' });
  same({ headers: { host: ['a', 'b'] as unknown as string } });
});

for (const options of [{ family: 9 }, { hints: 1 }, { localAddress: 'here' }] as RequestOptions[]) {
  test(`an option that Node refuses throws the same error: ${JSON.stringify(options)}`, (t) => {
    const thrownWith = (agent: Agent) => {
      try {
        http.get({ host: HOST, agent, ...options }).on('error', () => {});
        return undefined;
      } catch (error) {
        return error;
      }
    };
    const agent = new Agent({ keepAlive: true });
    const refused = thrownWith(agent);
    agent.destroy();

    assert.ok(refused instanceof Error);
    assert.deepEqual(thrownWith(startHttpAgent(t, [])), refused);
  });
}

for (const timeout of [-1, Number.POSITIVE_INFINITY, 'soon'] as number[]) {
  test(`a timeout of an agent that Node refuses throws the same error: ${timeout}`, (t) => {
    const thrownWith = (agent: Agent) => {
      try {
        http.get({ host: '127.0.0.1', agent }).on('error', () => {});
        return undefined;
      } catch (error) {
        return error;
      }
    };
    const refused = thrownWith(new Agent({ keepAlive: true, timeout }));
    assert.ok(refused instanceof Error);
    assert.deepEqual(thrownWith(startHttpAgent(t, [], { timeout })), refused);
  });
}
