import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants, createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { BalancedAgentOptions } from '../../../src/config/options.ts';
import type { EndpointAddress } from '../../../src/core/discovery/resolver.ts';
import { ORIGIN, startAgent } from '../../support/agent.ts';
import { nextAddress } from '../../support/pods.ts';

interface Served {
  endpoint: EndpointAddress;
}

async function listening(t: TestContext, server: Server): Promise<Served> {
  server.listen(0, nextAddress());
  await once(server, 'listening');
  t.after(() => server.close());
  const { address, port } = server.address() as AddressInfo;
  return { endpoint: { address, port } };
}

/** Sends 300 requests, ten at once, and says how many of them failed. */
async function failures(
  t: TestContext,
  pods: readonly Served[],
  options: BalancedAgentOptions,
): Promise<number> {
  const agent = startAgent(t, pods, options);
  let failed = 0;
  const worker = async () => {
    for (let i = 0; i < 30; i++) {
      await agent.request({ origin: ORIGIN, path: '/', method: 'GET' }).then(
        ({ body }) => body.dump(),
        () => failed++,
      );
    }
  };
  await Promise.all(Array.from({ length: 10 }, worker));
  return failed;
}

// Its fair share is 100 of 300. Without a hold on failures it would get the most by far.
const FAIR = 100;

test('a pod that answers with garbage at once attracts no traffic', async (t) => {
  const garbage = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => socket.end('garbage\r\n\r\n'));
  });
  const good = () =>
    createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => setTimeout(() => socket.write('HTTP/1.1 204 No Content\r\n\r\n'), 10));
    });
  const pods = await Promise.all([garbage, good(), good()].map((server) => listening(t, server)));
  assert.ok((await failures(t, pods, {})) < FAIR);
});

for (const code of ['NGHTTP2_INTERNAL_ERROR', 'NGHTTP2_CANCEL', 'NGHTTP2_NO_ERROR'] as const) {
  test(`a pod that ends every HTTP/2 stream at once, with ${code}, attracts no traffic`, async (t) => {
    const server = (delay: number, status?: number) =>
      createHttp2Server().on('stream', (stream) => {
        stream.on('error', () => {});
        if (status === undefined) stream.close(constants[code]);
        else setTimeout(() => stream.respond({ ':status': status }, { endStream: true }), delay);
      });
    const pods = await Promise.all([server(0), server(10, 204), server(10, 204)].map((s) => listening(t, s)));
    assert.ok((await failures(t, pods, { h2Options: { useH2c: true }, retry: false })) < FAIR);
  });
}
