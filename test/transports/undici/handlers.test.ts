// Handlers of undici 6 and 7, which built-in fetch of Node.js 22 and 24 uses too.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Dispatcher } from 'undici';
import * as undici7 from 'undici7';
import { BalancedAgent } from '../../../src/transports/undici/agent.ts';
import { startPod } from '../../support/pods.ts';

const older = undici7 as unknown as {
  Agent: new () => Dispatcher;
  fetch: (url: string, init: object) => Promise<Response>;
};

const REQUESTS = 10;

/** Sends requests, one after another, to a pod that answers with early hints, and then without a body. */
async function assertReuse(t: TestContext, dispatcher: Dispatcher, status: number): Promise<void> {
  const pod = await startPod(t);
  pod.respond = (_request, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' });
    response.writeHead(status).end();
  };
  for (let n = 0; n < REQUESTS; n++) {
    const response = await older.fetch(`http://${pod.address}:${pod.port}/`, { dispatcher });
    assert.equal(response.status, status);
    assert.equal(await response.text(), '');
  }
  // A response without a body may reach the caller before its connection is free. But not each request keeps one.
  const { length } = pod.connections;
  assert.ok(length < REQUESTS / 2, `${length}`);
}

for (const status of [204, 304])
  test(`with a ${status} after early hints, a request of an older fetch frees its connection`, {
    timeout: 20_000,
  }, async (t) => {
    const agent = new BalancedAgent();
    t.after(() => agent.destroy());
    const stock = new older.Agent();
    t.after(() => stock.destroy());
    await assertReuse(t, stock, status);
    await assertReuse(t, agent, status);
    const composed = new BalancedAgent().compose((dispatch) => (options, handler) => {
      const { onRequestStart, onResponseStart, onResponseData, onResponseEnd, onResponseError } = handler;
      return dispatch(options, {
        onRequestStart: onRequestStart!,
        onResponseStart: onResponseStart!,
        onResponseData: onResponseData!,
        onResponseEnd: onResponseEnd!,
        onResponseError: onResponseError!,
      });
    });
    t.after(() => composed.destroy());
    await assertReuse(t, composed, status);
  });
