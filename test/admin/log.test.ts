import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../support/versions.ts';

const REGISTER = new URL('../../src/register.ts', import.meta.url).href;

/** An app that sends three requests to a pod, and one to a pod that fails. */
const APP = `
  import { createServer } from 'node:http';
  const pod = createServer((request, response) => {
    if (request.url.startsWith('/bad')) request.socket.destroy();
    else response.end('ok');
  }).listen(0, '127.0.0.1', async () => {
    const origin = 'http://127.0.0.1:' + pod.address().port;
    for (const path of ['/a?token=cAnArY', '/bad', '/c']) await fetch(origin + path).catch(() => {});
    pod.close();
    pod.closeAllConnections();
  });`;

async function logOf(env: Record<string, string>): Promise<string> {
  const args = ['--import', REGISTER, '--input-type=module', '-e', APP];
  const { code, stderr } = await run(process.execPath, args, env);
  assert.equal(code, 0, stderr);
  return stderr
    .replaceAll(/^EVENKEEL \d+: /gm, '')
    .replaceAll(/127\.0\.0\.1:\d+/g, 'POD')
    .replaceAll(/[\d.]+ ms/g, 'T');
}

test('nothing is logged unless it is asked for', async () => {
  assert.equal(await logOf({ NODE_DEBUG: '' }), '');
  assert.equal(await logOf({ NODE_DEBUG: 'undicix' }), '');
});

test('the log says who is here, what is set, and where each request goes', async () => {
  const log = await logOf({
    NODE_DEBUG: 'evenkeel',
    EVENKEEL_RETRY_ATTEMPTS: '1',
    EVENKEEL_HOSTS: '127.0.0.1',
  });
  const [first, installed, agent, ...others] = log.trimEnd().split('\n');
  assert.match(first!, /^evenkeel \d+\.\d+\.\d+ in Node\.js v\d+/);
  assert.equal(installed, 'balances the whole process: hosts 127.0.0.1');
  assert.match(
    agent!,
    /^an agent for undici: discovery auto; settings: .*retry\.attempts = 1 \(EVENKEEL_RETRY_ATTEMPTS\)/,
  );
  const lines = others.join('\n');
  for (const line of [
    'http://POD: POD is new',
    'http://POD: 1 endpoint by ',
    'http://POD: connected to POD (h1)',
    'http://POD: GET /a goes to POD, waited T',
    'http://POD: GET /a at POD: 200 after T',
    'http://POD: GET /bad is sent again, not to POD (reset): ',
    'http://POD: GET /bad goes to POD, attempt 2',
    'http://POD: GET /bad at POD: failure after T',
    'http://POD: a connection to POD retires after ',
  ]) {
    assert.ok(`\n${lines}`.includes(`\n${line}`), `${line} in:\n${lines}`);
  }
  assert.ok(!log.includes('cAnArY'));
});

test('what is switched off says so', async () => {
  const log = await logOf({ NODE_DEBUG: 'evenkeel', EVENKEEL_DISABLED: '1' });
  assert.deepEqual(log.trimEnd().split('\n').slice(1), ['is switched off, and changes nothing']);
  assert.match(
    await logOf({ NODE_DEBUG: 'evenkeel', EVENKEEL_MODE: 'observe' }),
    /^observes the whole process, and changes nothing: names in the cluster and private addresses$/m,
  );
});
