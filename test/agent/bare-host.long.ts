import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startPod } from '../support/pods.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const noHost = resolve(import.meta.dirname, '../support/no-host.ts');

interface Bareness {
  args?: readonly string[];
  env?: Record<string, string>;
  uid?: number;
}

const UID = 65_431;
const mayForbidNet = process.allowedNodeEnvironmentFlags.has('--allow-net');
const NO_HOST: Bareness = { args: ['--import', noHost] };
// Nothing but the code may be read: no resolv.conf, no hosts file, no /proc, no token.
const NO_FILES: Bareness = {
  args: ['--permission', `--allow-fs-read=${root}`, ...(mayForbidNet ? ['--allow-net'] : [])],
};
// In a cluster whose API nobody answers for.
const IN_CLUSTER = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: '1' };

for (const [where, { args = [], env = {}, uid }] of [
  ['for a uid that is in no passwd, without HOME', { uid: UID }],
  ['where the system tells neither host name, home nor network interfaces', NO_HOST],
  ['where no file of the system may be read', NO_FILES],
  ['where there is none of all that', { ...NO_FILES, args: [...NO_FILES.args!, ...NO_HOST.args!], uid: UID }],
  ['in a cluster, with none of all that', { ...NO_HOST, env: IN_CLUSTER, uid: UID }],
  [
    'in a cluster that is asked for, with none of all that',
    { ...NO_HOST, env: { ...IN_CLUSTER, EVENKEEL_DISCOVERY: 'kubernetes' }, uid: UID },
  ],
] satisfies [string, Bareness][] as [string, Bareness][]) {
  const skip = uid !== undefined && process.getuid?.() !== 0 && 'takes root';
  test(`an app starts, and its requests go out, ${where}`, { skip }, async (t) => {
    const { port } = await startPod(t, { address: '127.0.0.1' });
    const urls = [`http://127.0.0.1:${port}/`, `http://localhost:${port}/`];
    const script = resolve(import.meta.dirname, '../support/fetch-and-exit.ts');
    const preload = ['--import', resolve(root, 'src/register.ts')];
    const { stdout } = await run(process.execPath, [...args, ...preload, script, ...urls], {
      env,
      cwd: '/',
      ...(uid !== undefined && { uid, gid: uid }),
    });
    assert.equal(stdout, '200\n200\n');
  });
}
