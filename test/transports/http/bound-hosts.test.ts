import assert from 'node:assert/strict';
import http, { Agent, type ClientRequest, type RequestOptions } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, type TestContext, test } from 'node:test';
import { BalancedHttpAgent } from '../../../src/http.ts';
import { install, uninstall } from '../../../src/index.ts';
import { answerOf, ask } from '../../support/http-agent.ts';
import { type Pod, startPod } from '../../support/pods.ts';

afterEach(() => uninstall());

/** A server that knows its callers by their connections, as IIS does: it answers with the number of the connection. */
async function startServer(t: TestContext): Promise<Pod> {
  const server = await startPod(t);
  const sockets: Socket[] = [];
  server.respond = ({ socket }, response) => {
    if (!sockets.includes(socket)) sockets.push(socket);
    response.end(`${sockets.indexOf(socket)}`);
  };
  return server;
}

/** Two users with an agent each take turns, as one logs in and then asks. Returns the connection of each request. */
async function logIn({ address, port }: Pod, scheme: string, agents: readonly Agent[]): Promise<string[]> {
  const used: string[] = [];
  for (const authorization of [`${scheme} VFlQRTE=`, `${scheme} VFlQRTM=`, undefined]) {
    for (const agent of agents) {
      const headers = { ...(authorization && { authorization }) };
      used.push((await ask(agent, { host: address, port, headers })).body);
    }
  }
  for (const agent of agents) agent.destroy();
  return used;
}

function nodeAgents(): Agent[] {
  return [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })];
}

for (const scheme of ['NTLM', 'Negotiate']) {
  test(`who logs in with ${scheme} keeps the connection, and shares it with no other agent`, async (t) => {
    const stock = await logIn(await startServer(t), scheme, nodeAgents());
    assert.deepEqual(stock, ['0', '1', '0', '1', '0', '1']);
    install();
    assert.deepEqual(await logIn(await startServer(t), scheme, nodeAgents()), stock);
    const byHand = [new BalancedHttpAgent(), new BalancedHttpAgent()];
    assert.deepEqual(await logIn(await startServer(t), scheme, byHand), stock);
  });
}

/** The ways to give a request its header. */
const FORMS: Record<string, (options: RequestOptions, authorization: string) => ClientRequest> = {
  'in a list': (options, authorization) =>
    http.request({ ...options, headers: ['Host', 'iis.test', 'Authorization', authorization] }),
  'as one of several values': (options, authorization) =>
    http.request({ ...options, headers: { authorization: [authorization] as unknown as string } }),
  'once the request is made': (options, authorization) =>
    http.request(options).setHeader('Authorization', authorization) as ClientRequest,
};

for (const [how, request] of Object.entries(FORMS)) {
  test(`a login whose header is given ${how} keeps its connection, too`, async (t) => {
    const { address: host, port } = await startServer(t);
    install();
    const used: string[] = [];
    const agents = nodeAgents();
    for (const authorization of ['NTLM VFlQRTE=', 'NTLM VFlQRTM=']) {
      for (const agent of agents) {
        used.push((await answerOf(request({ host, port, agent }, authorization).end())).body);
      }
    }
    for (const agent of agents) agent.destroy();
    assert.deepEqual(used, ['0', '1', '0', '1']);
  });
}

test('a password or a token in each request binds nobody to a connection', async (t) => {
  const server = await startServer(t);
  install();
  assert.deepEqual(await logIn(server, 'Bearer', nodeAgents()), ['0', '0', '0', '0', '0', '0']);
});

test('a login at one host leaves the other hosts of its agent to evenkeel', async (t) => {
  const [server, other] = [await startServer(t), await startServer(t)];
  install();
  const [agent, another] = nodeAgents() as [Agent, Agent];
  const headers = { authorization: 'NTLM VFlQRTE=' };
  await ask(agent, { host: server.address, port: server.port, headers });
  for (const each of [agent, another]) {
    assert.equal((await ask(each, { host: other.address, port: other.port })).body, '0');
  }
  for (const each of [agent, another]) each.destroy();
});
