import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { describe, test } from 'node:test';
import { startGrpcPods } from '../support/grpc-pod.ts';
import { nextAddress } from '../support/pods.ts';
import { observe } from './observing.ts';

/** Has copies of grpc-js call the pods: their system leads the name to `ADDRESSES`, all of them. */
function calling(copies: readonly string[], count: number, target = '$NAME'): string {
  return `
    const { createRequire } = await import('node:module');
    const answers = addresses.map((address) => ({ address, family: 4 }));
    dns.lookup = (name, options, callback) => callback(null, answers);
    dns.promises.lookup = async () => answers;
    const bytes = (value) => value;
    for (const name of ${JSON.stringify(copies)}) {
      const grpc = createRequire(${JSON.stringify(import.meta.url)})(name);
      const target = ${JSON.stringify(target)}.replace('$NAME', new URL(url).host);
      const client = new grpc.Client(target, grpc.credentials.createInsecure(), {
        'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ [process.env.POLICY]: {} }] }),
      });
      for (let i = 0; i < ${count}; i++) {
        await new Promise((resolve, reject) =>
          client.makeUnaryRequest('/test.Echo/Unary', bytes, bytes, Buffer.alloc(0), (error) =>
            error === null ? resolve() : reject(error),
          ),
        );
      }
      client.close();
    }`;
}

describe('what is observed of gRPC', { concurrency: 3 }, () => {
  for (const copies of [['@grpc/grpc-js'], ['grpc110', 'grpc113']]) {
    test(`calls of ${copies.join(' and ')} are counted by pod, and it says what evenkeel would do`, async (t) => {
      const pods = await startGrpcPods(t, 3);
      const addresses = pods.map(({ address }) => address);
      const { port } = pods[0]!;
      const world = { addresses, known: addresses, port, env: { POLICY: 'pick_first' } };
      const { reports, installed, stderr } = await observe(t, calling(copies, 6), world);
      assert.equal(installed, false);
      const count = 6 * copies.length;
      const [report] = reports[0]!.origins;
      assert.deepEqual(
        [report?.client, report?.origin, report?.requests],
        ['grpc', `grpc://orders.prod:${port}`, count],
      );
      for (const pod of pods) {
        const row = report?.addresses.find(({ address }) => address === `${pod.address}:${port}`);
        assert.equal(row?.requests, pod.calls);
      }
      assert.equal(reports[0]!.nodeHttp, 0);
      const squares = pods.reduce((sum, { calls }) => sum + calls ** 2, 0);
      assert.ok(Math.abs(report!.fairness! - count ** 2 / (3 * squares)) < 1e-9);
      assert.match(
        stderr,
        new RegExp(`^ {2}grpc://orders\\.prod:${port}: ${count} calls, \\d connection`, 'm'),
      );
      assert.match(stderr, /^ {4}127\.[\d.:]+ +\d+ calls/m);
      assert.match(
        stderr,
        new RegExp(
          `→ evenkeel would choose one of 3 pods for each call, which makes about ${count / 3} each`,
        ),
      );
    });
  }

  test('behind a ClusterIP, it says that one connection reached one pod', async (t) => {
    const [proxy] = await startGrpcPods(t, 1);
    const known = [nextAddress(), nextAddress(), nextAddress()];
    const { address, port } = proxy!;
    const world = { addresses: [address], known, port, env: { POLICY: 'pick_first' } };
    const { reports, stderr } = await observe(t, calling(['@grpc/grpc-js'], 5), world);
    assert.deepEqual(reports[0]!.origins[0]?.addresses, [
      { address: `${address}:${port}`, requests: 5, connections: 0 },
    ]);
    assert.match(stderr, /→ 3 pods are behind this address, and one connection reached one;/);
  });

  for (const [why, env] of [
    ['grpc: false', { EVENKEEL_GRPC: 'false' }],
    ['hosts', { EVENKEEL_HOSTS: '!orders.prod' }],
  ] as const) {
    test(`with ${why}, it says that evenkeel would leave them alone`, async (t) => {
      const [pod] = await startGrpcPods(t, 1);
      const { address, port } = pod!;
      const world = { addresses: [address], known: [address], port, env: { POLICY: 'pick_first', ...env } };
      const { reports, stderr } = await observe(t, calling(['@grpc/grpc-js'], 2), world);
      assert.deepEqual([reports[0]!.origins, reports[0]!.foreign], [[], { origins: 1, requests: 2 }]);
      assert.match(stderr, /2 requests to 1 other origin, which evenkeel would leave alone/);
    });
  }

  test('what a proxy of the environment forwards is left alone, and what it must not forward is not', async (t) => {
    const [pod] = await startGrpcPods(t, 1);
    const { address, port } = pod!;
    const proxy = createServer().on('connect', (_request, socket: Socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const upstream = connect(port, address);
      pipeline(socket, upstream, socket, () => {});
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    t.after(() => proxy.close());
    const grpc_proxy = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    for (const [no_proxy, foreign] of [
      ['.svc', 1],
      ['.svc,.prod', 0],
    ] as const) {
      const env = { POLICY: 'pick_first', grpc_proxy, no_proxy };
      const world = { addresses: [address], known: [address], port, env };
      const { reports } = await observe(t, calling(['@grpc/grpc-js'], 2), world);
      assert.equal(reports[0]!.foreign.origins, foreign);
      // The request that opens the way through the proxy is node:http's.
      const calls = reports[0]!.origins.filter(({ client }) => client === 'grpc');
      assert.equal(calls.length, 1 - foreign);
    }
  });

  test('a target that is an address has nothing to choose from', async (t) => {
    const [pod] = await startGrpcPods(t, 1);
    const { address, port } = pod!;
    const world = { addresses: [address], known: [address], port, env: { POLICY: 'pick_first' } };
    const { stderr } = await observe(t, calling(['@grpc/grpc-js'], 2, `ipv4:${address}:${port}`), world);
    assert.match(stderr, /→ nothing: the target has an address for a host/);
  });
});
