import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { get, load, ORIGIN, startAgent } from '../../support/agent.ts';
import { FakeClock } from '../../support/clock.ts';
import { nextAddress, settle, startPod } from '../../support/pods.ts';

const SCRIPT = fileURLToPath(new URL('../../support/dial-and-exit.ts', import.meta.url));
const stuck = () => ({ endpoint: { address: nextAddress(), port: 9 } });

test('a connector that never calls back is timed out, traffic or not', async (t) => {
  const pod = await startPod(t);
  const silent = stuck();
  const dial = buildConnector({});
  const clock = new FakeClock();
  const agent = startAgent(t, [silent, pod], {
    clock,
    connect: (params, callback) => {
      if (params.hostname === pod.address) dial(params, callback);
    },
  });
  await load(agent, 20, 2);
  const failed = once(agent, 'connectionError');
  clock.advance('3s');
  await settle();
  clock.advance('7s');
  const [, , error] = await failed;
  assert.equal(error.code, 'UND_ERR_CONNECT_TIMEOUT');
  assert.match(error.message, new RegExp(`${silent.endpoint.address}:9, timeout: 10000ms`));
});

test('a request whose only pod can’t be dialled fails with the timeout', async (t) => {
  const agent = startAgent(t, [stuck()], { connect: () => {}, connectTimeout: 100 });
  await assert.rejects(get(agent), { code: 'UND_ERR_CONNECT_TIMEOUT' });
});

test('a slow dial goes on though nobody waits for it', async (t) => {
  const pod = await startPod(t);
  const clock = new FakeClock();
  const dial = buildConnector({});
  const dialled: (() => void)[] = [];
  const agent = startAgent(t, [pod], {
    clock,
    connect: (params, callback) => void dialled.push(() => dial(params, callback)),
  });
  const controller = new AbortController();
  const given = agent.request({ origin: ORIGIN, path: '/', method: 'GET', signal: controller.signal });
  while (dialled.length === 0) await settle();
  controller.abort();
  await assert.rejects(given);
  clock.advance('2s');
  await settle();
  const connected = once(pod, 'connection');
  dialled[0]!();
  await connected;
  assert.equal(await get(agent), pod.address);
  assert.equal(dialled.length, 1);
});

test('a process exits by itself, though a pod swallows its dials', async (t) => {
  const child = spawn(process.execPath, [SCRIPT], { stdio: ['ignore', 'pipe', 'inherit'], timeout: 20_000 });
  t.after(() => child.kill('SIGKILL'));
  const output = child.stdout.setEncoding('utf8').toArray();
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
  const { connecting, heldFor } = JSON.parse((await output).join(''));
  assert.ok(connecting >= 1, 'a dial was under way at the end');
  // Far less than `connectTimeout`.
  assert.ok(heldFor < 2_500, `${heldFor} ms`);
});

for (const Dispatcher of [Agent, BalancedAgent]) {
  test(`a socket that a connector yields after it has destroyed the agent is destroyed with the reason (${Dispatcher.name})`, async (t) => {
    const reasons: (Error | null)[] = [];
    const agent: Dispatcher = new Dispatcher({
      connect: (_params, callback) => {
        void agent.destroy();
        const socket = new PassThrough({
          destroy: (error, done) => {
            reasons.push(error);
            done(error);
          },
        });
        callback(null, socket as unknown as Socket);
      },
    });
    t.after(() => agent.destroy());
    const request = agent.request({ origin: 'http://127.0.0.1:9', path: '/', method: 'GET' });
    await assert.rejects(request, { name: 'ClientDestroyedError' });
    await settle();
    assert.deepEqual(
      reasons.map((reason) => reason?.name),
      ['ClientDestroyedError'],
    );
  });
}
