// What users of http-proxy do with a request before it is sent, as they do with Node's own agents.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, type ClientRequest, createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import httpProxy from 'http-proxy';
import { install, staticResolver, uninstall } from '../../../src/index.ts';
import { ask, HOST, startHttpAgent } from '../../support/http-agent.ts';
import { type Pod, startPod } from '../../support/pods.ts';

type Told = (request: ClientRequest, incoming: IncomingMessage & { body?: string }) => void;

const AGENTS: Record<string, (t: TestContext, pod: Pod) => Agent> = {
  'by hand': (t, pod) => startHttpAgent(t, [pod]),
  installed: (t, pod) => {
    install({ discovery: staticResolver([pod.endpoint]), hosts: [HOST] });
    const agent = new Agent({ keepAlive: true });
    t.after(() => uninstall());
    return agent;
  },
  'installed, while it is found out what the host is': (t, pod) => {
    install({ http: true });
    const agent = new Agent({ keepAlive: true });
    t.after(() => uninstall());
    t.after(() => agent.destroy());
    assert.ok(pod.address.startsWith('127.'));
    return agent;
  },
};

/** A proxy before a pod that says which header and which body it was sent. `reads`: the body is read before, as by a body parser. */
async function startProxy(
  t: TestContext,
  pod: Pod,
  agent: Agent,
  options: { target?: string; reads?: boolean; followRedirects?: boolean },
  told: Told,
): Promise<(body?: string) => Promise<string>> {
  const { target = `http://${HOST}:80`, reads = false, ...others } = options;
  pod.respond = async (request, response) => {
    response.end(`${request.headers['x-mine']} ${await text(request)}`);
  };
  const proxy = httpProxy.createProxyServer({ target, agent, ...others });
  const times = { told: 0 };
  proxy.on('proxyReq', (request, incoming) => {
    times.told++;
    told(request, incoming);
  });
  const server = createServer(async (incoming, response) => {
    const body = reads ? await text(incoming) : undefined;
    proxy.web(Object.assign(incoming, { body }), response, {}, (error) => response.end(`${error}`));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const plain = new Agent();
  return async (body) => {
    times.told = 0;
    const method = body === undefined ? 'GET' : 'POST';
    const answer = await ask(plain, { host: '127.0.0.1', port, method, ...(body !== undefined && { body }) });
    assert.equal(times.told, 1);
    return answer.body;
  };
}

for (const [how, agentFor] of Object.entries(AGENTS)) {
  const targetOf = (pod: Pod) =>
    how.includes('while') ? { target: `http://${pod.address}:${pod.port}` } : {};

  for (const followRedirects of [false, true]) {
    const what = followRedirects ? ', following redirects' : '';
    test(`${how}${what}: users of http-proxy set headers of what has a body, on new and on used connections`, async (t) => {
      const pod = await startPod(t);
      const options = { ...targetOf(pod), followRedirects };
      const send = await startProxy(t, pod, agentFor(t, pod), options, (request) =>
        request.setHeader('x-mine', 'mine'),
      );
      for (const body of ['one', undefined, 'two', 'three']) {
        assert.equal(await send(body), `mine ${body ?? ''}`);
      }
    });
  }

  test(`${how}: users of http-proxy write a body that was read before`, async (t) => {
    const pod = await startPod(t);
    const options = { ...targetOf(pod), reads: true };
    const send = await startProxy(t, pod, agentFor(t, pod), options, (request, { body = '' }) => {
      request.setHeader('x-mine', 'mine');
      request.setHeader('content-length', Buffer.byteLength(body));
      request.write(body);
    });
    for (const body of ['one', 'two', 'three']) assert.equal(await send(body), `mine ${body}`);
  });
}

test('http-proxy answers when its user aborts a request', async (t) => {
  const pod = await startPod(t);
  const send = await startProxy(t, pod, startHttpAgent(t, [pod]), {}, (request) => request.abort());
  assert.equal(await send('body'), 'Error: socket hang up');
  assert.equal(pod.requests, 0);
});
