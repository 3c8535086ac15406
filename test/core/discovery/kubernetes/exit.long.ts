import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run, start } from './exiting.ts';

test('a kubeconfig that is not there is not blamed on the package', async (t) => {
  const { place } = await start(t);
  const output = await run(t, { place, kubeconfig: '/nonexistent/config' }, 'without-package');
  assert.match(output, /the kubeconfig \/nonexistent\/config can't be used: ENOENT/);
});

test('a process whose API server says nothing ends by itself', async (t) => {
  const { api, place } = await start(t);
  api.refuse = ({ kind }) => (kind.startsWith('service') ? { status: 500 } : undefined);
  assert.match(await run(t, { place }), /answered 500/);
});
