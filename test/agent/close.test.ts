import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errors } from 'undici';
import { ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { startPod } from '../support/pods.ts';

test('destroy while close waits for a request lets both end', async (t) => {
  const pod = await startPod(t);
  const agent = startAgent(t, [pod]);
  const request = agent.request({ origin: ORIGIN, path: '/slow', method: 'GET' });
  await pod.received('/slow');
  const closed = agent.close();
  await Promise.all([assert.rejects(request, errors.ClientDestroyedError), agent.destroy(), closed]);
});

test('a caller who tries again at once when the agent is destroyed is refused', async (t) => {
  const agent = startAgent(t, [], { discovery: new ManualResolver().resolve });
  const failures: Error[] = [];
  const options = { origin: ORIGIN, path: '/', method: 'GET' } as const;
  const handler = {
    onRequestStart() {},
    onResponseStart() {},
    onResponseData() {},
    onResponseEnd() {},
    onResponseError(_controller: unknown, error: Error) {
      failures.push(error);
      if (failures.length === 1) agent.dispatch(options, handler);
    },
  };
  agent.dispatch(options, handler);
  await agent.destroy();
  assert.deepEqual(
    failures.map(({ name }) => name),
    ['ClientDestroyedError', 'ClientDestroyedError'],
  );
});
