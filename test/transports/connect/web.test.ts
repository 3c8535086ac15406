import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web';
import { startAgent } from '../../support/agent.ts';
import { callsOf } from '../../support/answers.ts';
import { EchoClient, jain } from '../../support/connect-client.ts';
import { startConnectPods } from '../../support/connect-pod.ts';

const TRANSPORTS = { Connect: createConnectTransport, 'gRPC-Web': createGrpcWebTransport };

for (const [protocol, createTransport] of Object.entries(TRANSPORTS)) {
  test(`connect-web over the fetch of an agent: calls and server streams of ${protocol} are balanced`, async (t) => {
    const pods = await startConnectPods(t, 3, { http1: true });
    const agent = startAgent(t, pods);
    const transport = createTransport({ baseUrl: 'http://orders.prod', fetch: agent.fetch });
    const client = new EchoClient(transport);
    await client.calls(60, 6);
    for (let n = 0; n < 12; n++) {
      let messages = 0;
      for await (const _ of client.echo.serverStream({ value: '3' })) messages++;
      assert.equal(messages, 3);
    }
    assert.ok(jain(callsOf(pods)) >= 0.95, callsOf(pods).join());
    await assert.rejects(client.bidi().say('one'), /does not support/);
  });
}
