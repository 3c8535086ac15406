import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startConnectPods } from '../support/connect-pod.ts';
import { nextAddress } from '../support/pods.ts';
import { observe } from './observing.ts';

const MODULES = ['../support/connect-client.ts', '../../src/connect.ts'].map((path) =>
  import.meta.resolve(path),
);

/** Has connect-node call pods so many times, by its own sessions or with `balancedSessions`. */
function calling(protocol: string, count: number, options: string): string {
  return `
    const { EchoClient, PROTOCOLS } = await import(${JSON.stringify(MODULES[0])});
    const { balancedSessions } = await import(${JSON.stringify(MODULES[1])});
    const transport = PROTOCOLS[${JSON.stringify(protocol)}]({ baseUrl: url, httpVersion: '2', ${options} });
    await new EchoClient(transport).calls(${count}, 3);`;
}

describe('what is observed of connect-node', { concurrency: 3 }, () => {
  for (const [protocol, options] of [
    ['gRPC', ''],
    ['gRPC-Web', ''],
    ['Connect', 'sessionManager: balancedSessions(url)'],
  ] as const) {
    test(`calls of ${protocol} with { ${options} } are counted by pod, and it says what evenkeel would do`, async (t) => {
      const pods = await startConnectPods(t, 1);
      const known = [pods[0]!.address, nextAddress(), nextAddress()];
      const { address, port } = pods[0]!;
      const world = { addresses: [address], known, port };
      const { reports, stderr } = await observe(t, calling(protocol, 9, options), world);
      const [report] = reports[0]!.origins;
      assert.deepEqual(
        [report?.client, report?.origin, report?.requests, report?.endpoints.length],
        ['connect', `http://orders.prod:${port}`, 9, 3],
      );
      assert.equal(pods[0]!.calls, 9);
      assert.deepEqual(
        report!.addresses.map(({ requests }) => requests),
        [9, 0, 0],
      );
      assert.match(stderr, /^ {2}http:\/\/orders\.prod:\d+ \(connect\): 9 calls, \d connection/m);
      assert.match(
        stderr,
        /→ evenkeel's balancedSessions would choose one of 3 pods for each call, which makes about 3 each/,
      );
    });
  }

  test('behind a ClusterIP, it says what balancedSessions would do', async (t) => {
    const [proxy] = await startConnectPods(t, 1);
    const { address, port } = proxy!;
    const world = { addresses: [address], known: [address], port };
    const { stderr } = await observe(t, calling('gRPC', 4, ''), world);
    assert.match(
      stderr,
      /→ evenkeel can see only one address: evenkeel's balancedSessions would use up to 32 connections/,
    );
  });

  test('hosts that evenkeel would leave alone are not listed', async (t) => {
    const [pod] = await startConnectPods(t, 1);
    const { address, port } = pod!;
    const world = { addresses: [address], known: [address], port, env: { EVENKEEL_HOSTS: '!orders.prod' } };
    const { reports } = await observe(t, calling('gRPC', 2, ''), world);
    assert.deepEqual([reports[0]!.origins, reports[0]!.foreign], [[], { origins: 1, requests: 2 }]);
  });
});
