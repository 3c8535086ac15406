// V8 turns an object that a property is deleted from into a table. Node's code that has met one such request or socket
// is slow for all others from then on.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { answerOf, ask, HOST, startHttpAgent } from '../../support/http-agent.ts';
import { startPod } from '../../support/pods.ts';

setFlagsFromString('--allow-natives-syntax');
const isTable = new Function('object', 'return !%HasFastProperties(object)') as (object: object) => boolean;

/** An agent whose only connection is in use, until it is released. */
async function startBusy(t: TestContext) {
  const pod = await startPod(t);
  const agent = startHttpAgent(t, [pod], { connections: 1 });
  const slow = ask(agent, { path: '/slow' });
  await pod.received('/slow');
  const release = () => {
    pod.release('/slow');
    return slow;
  };
  return { agent, release };
}

/** Requests that have gone through something special, of which nothing may be left. */
const REQUESTS: Record<string, (t: TestContext) => Promise<ClientRequest>> = {
  'that has waited for a connection': async (t) => {
    const agent = startHttpAgent(t, [await startPod(t)]);
    const request = http.get({ host: HOST, agent });
    await answerOf(request);
    return request;
  },
  'that has waited so long that it got a connecting socket': async (t) => {
    const { agent, release } = await startBusy(t);
    const request = http.get({ host: HOST, agent });
    await once(request, 'socket');
    await release();
    await answerOf(request);
    return request;
  },
  'that is written while it waits': async (t) => {
    const { agent, release } = await startBusy(t);
    const request = http.request({ host: HOST, agent, method: 'POST' });
    request.on('socket', () => request.setHeader('x-mine', 'yes'));
    await sleep(5);
    request.write('one');
    request.end('two');
    await release();
    await answerOf(request);
    return request;
  },
  'that goes elsewhere': async (t) => {
    const pods = [await startPod(t), await startPod(t)];
    let failures = 0;
    for (const pod of pods) {
      pod.respond = ({ socket }, response) => {
        if (failures++ === 0) socket.resetAndDestroy();
        else response.end();
      };
    }
    const agent = startHttpAgent(t, pods);
    const request = http.get({ host: HOST, agent });
    await answerOf(request);
    return request;
  },
  'that its caller ends while it waits': async (t) => {
    const { agent, release } = await startBusy(t);
    const request = http.get({ host: HOST, agent });
    request.on('error', () => {});
    await sleep(5);
    request.destroy();
    await release();
    return request;
  },
};

test('a property that is deleted makes a table', () => {
  const object: { first: number; last?: number } = { first: 1, last: 2 };
  assert.ok(!isTable(object));
  delete (object as { first?: number }).first;
  assert.ok(isTable(object));
});

for (const [name, send] of Object.entries(REQUESTS)) {
  test(`a request ${name} is no table`, async (t) => {
    const request = await send(t);
    assert.ok(!isTable(request));
    assert.deepEqual(
      Object.keys(request).filter((key) => ['destroy', 'emit', 'write', 'end'].includes(key)),
      [],
    );
  });
}

test('an upgraded socket is no table', async (t) => {
  const pod = await startPod(t);
  pod.server.on('upgrade', (_request, socket) => {
    socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n');
  });
  const agent = startHttpAgent(t, [pod]);
  const request = http.get({ host: HOST, agent, headers: { connection: 'Upgrade', upgrade: 'echo' } });
  const [, socket] = (await once(request, 'upgrade')) as [unknown, Socket];
  assert.ok(!isTable(socket));
  assert.ok(!Object.keys(socket).includes('emit'));
  socket.destroy();
});
