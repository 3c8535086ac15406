import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FOUND, kubeconfigFor, run, start } from './exiting.ts';

// Each of these would hang if a socket or a timer held the process: a watch lasts minutes.
test('in a cluster a process that watches ends by itself, and needs no package for kubeconfigs', async (t) => {
  const { place } = await start(t);
  assert.equal(await run(t, { place }, 'without-package'), FOUND);
});

test('a process that watches through a kubeconfig ends by itself', async (t) => {
  const { api, place } = await start(t);
  assert.equal(await run(t, { place, kubeconfig: kubeconfigFor(api, place) }), FOUND);
});

test('a kubeconfig without the package that reads it is an error that says what to install', async (t) => {
  const { api, place } = await start(t);
  const output = await run(t, { place, kubeconfig: kubeconfigFor(api, place) }, 'without-package');
  assert.match(output, /npm install @kubernetes\/client-node/);
});
