import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { get, ManualResolver, startAgent } from '../support/agent.ts';
import { startPods } from '../support/pods.ts';
import { visit } from './visiting.ts';

async function freePort(): Promise<number> {
  const server = await occupy(0);
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function occupy(port: number): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** Resolves once somebody answers, or nobody does any more. */
async function answers(port: number, expected: boolean): Promise<void> {
  for (;;) {
    const status = await visit(port, '/stats').then(
      (answer) => answer.status,
      () => 0,
    );
    if ((status === 200) === expected) return;
  }
}

test('agents that ask for a page at one address share it, until the last of them is closed', async (t) => {
  const admin = await freePort();
  const one = startAgent(t, [], { admin });
  const other = startAgent(t, [], { admin: `127.0.0.1:${admin}` });
  await answers(admin, true);
  const { agents } = JSON.parse((await visit(admin, '/stats')).text);
  assert.deepEqual(
    agents.map(({ count }: { count: number }) => count),
    [2],
  );
  await one.close();
  await one.destroy();
  await answers(admin, true);
  await other.destroy();
  await answers(admin, false);
});

async function withVariable(t: TestContext, admin: number): Promise<void> {
  process.env.EVENKEEL_ADMIN = String(admin);
  t.after(() => {
    delete process.env.EVENKEEL_ADMIN;
  });
}

test('by its variable, the page is served once a request is balanced: a package manager in the same container has no use for the port', async (t) => {
  const admin = await freePort();
  await withVariable(t, admin);
  const agent = startAgent(t, [], { discovery: new ManualResolver(await startPods(t, 1)).resolve });
  await assert.rejects(visit(admin), { code: 'ECONNREFUSED' });
  await get(agent);
  await answers(admin, true);
});

test('code has the last word: false serves nothing, whatever the variable says', async (t) => {
  const admin = await freePort();
  await withVariable(t, admin);
  await get(startAgent(t, await startPods(t, 1), { admin: false }));
  await assert.rejects(visit(admin), { code: 'ECONNREFUSED' });
});

test('an address that is taken is said once, and tried again', async (t) => {
  const admin = await freePort();
  const other = await occupy(admin);
  t.after(() => other.close());
  const warned = once(process, 'warning');
  startAgent(t, [], { admin });
  const [{ code, message }] = await warned;
  assert.equal(code, 'EVENKEEL_ADMIN_ADDRESS');
  assert.match(message, new RegExp(`127\\.0\\.0\\.1:${admin}.*EADDRINUSE.*tries again`));
  other.close();
  await answers(admin, true);
});

test('a process that serves the page, and has somebody watch it, ends by itself', async () => {
  const script = `
    import { get } from 'node:http';
    import { createServer } from 'node:http';
    import { BalancedAgent } from './src/index.ts';
    const pod = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1');
    pod.on('listening', async () => {
      const { port } = pod.address();
      const discovery = async function* () { yield { endpoints: [{ address: '127.0.0.1', port }], pushed: true }; };
      const agent = new BalancedAgent({ admin: ${await freePort()}, discovery });
      await (await agent.request({ origin: 'http://orders', path: '/', method: 'GET' })).body.text();
      const { admin } = agent.settings;
      const look = () => get('http://' + admin + '/events', (response) => {
        response.once('data', () => { response.socket.unref(); pod.close(); pod.closeAllConnections(); console.log('seen'); });
      }).on('error', () => setTimeout(look, 20));
      look();
    });`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: new URL('../..', import.meta.url),
    timeout: 20_000,
  });
  assert.equal(stdout, 'seen\n');
});
