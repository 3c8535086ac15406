// Callers whose listener for a request's socket throws.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPod } from '../../support/pods.ts';
import { run } from '../../support/versions.ts';

const HTTP = new URL('../../../src/http.ts', import.meta.url).href;

/** Says what the pod answers a request to whose body is written after a listener has thrown, in a process that goes on after that. */
const SCRIPT = `
import http from 'node:http';
import { BalancedHttpAgent } from '${HTTP}';

process.on('uncaughtException', ({ message }) => console.log(message));
const [address, port] = process.argv.slice(1);
const agent = new BalancedHttpAgent();
const request = http.request({ host: address, port, agent, method: 'POST' }, (response) => {
  console.log(response.statusCode);
  response.resume().on('end', () => agent.destroy());
});
request.once('socket', () => {
  throw new Error('thrown');
});
process.nextTick(() => request.end('body'));
`;

test('what is written to a request whose listener for its socket throws is sent', async (t) => {
  const { address, port } = await startPod(t);
  const args = ['--input-type=module', '--eval', SCRIPT, address, `${port}`];
  const { stdout, stderr } = await run(process.execPath, args);
  assert.deepEqual(stdout.split('\n'), ['thrown', '200', ''], stderr);
});
