// Processes that follow a Service, and end by themselves.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { podAt, serviceNamed, sliceOf } from '../../../support/api-objects.ts';
import { type ApiServer, startApiServer } from '../../../support/api-server.ts';
import { placeIn, type TestPlace } from './setup.ts';

const SCRIPT = fileURLToPath(new URL('follow-and-exit.ts', import.meta.url));
export const FOUND = '[{"address":"10.0.0.1","port":8080}]\n';

export async function start(t: TestContext): Promise<{ api: ApiServer; place: TestPlace }> {
  const api = await startApiServer(t);
  api.store.putService('prod', serviceNamed('orders'));
  api.store.putSlice('prod', sliceOf('orders', 'a', [podAt('10.0.0.1')]));
  return { api, place: placeIn(t, api) };
}

/** Runs the script to its end, and returns what it printed. */
export async function run(t: TestContext, options: object, ...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [SCRIPT, JSON.stringify(options), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 20_000,
  });
  t.after(() => child.kill('SIGKILL'));
  const output = child.stdout.setEncoding('utf8').toArray();
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
  return (await output).join('');
}

export function kubeconfigFor(api: ApiServer, place: TestPlace): string {
  const cluster = {
    server: `https://${api.host}:${api.port}`,
    'certificate-authority': join(api.serviceAccount, 'ca.crt'),
  };
  writeFileSync(
    place.defaultKubeconfig,
    JSON.stringify({
      'current-context': 'test',
      contexts: [{ name: 'test', context: { cluster: 'c', user: 'u' } }],
      users: [{ name: 'u', user: { token: api.token } }],
      clusters: [{ name: 'c', cluster }],
    }),
  );
  return place.defaultKubeconfig;
}
