import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TABLE } from '../../../src/config/table.ts';
import { type GrpcOptions, installGrpc } from '../../../src/grpc.ts';
import { callsOf } from '../../support/answers.ts';
import { jain, startBalanced } from '../../support/grpc-client.ts';
import { grpc, startGrpcPods } from '../../support/grpc-pod.ts';
import { page, quoted, rowsUnder } from '../../support/readme.ts';

test('the documentation has all options, and no others', () => {
  const accepted = Object.keys(TABLE).filter((name) => {
    try {
      installGrpc(grpc, { [name]: undefined }).uninstall();
      return true;
    } catch {
      return false;
    }
  });
  const cells = rowsUnder('Option', page('grpc.md')).flatMap(([names]) => quoted(names!));
  // These are for tests, and are in the page of all options.
  assert.deepEqual([...cells, 'clock', 'random'].sort(), accepted.sort());
});

const BAD: [string, unknown, RegExp][] = [
  ['a policy that is not known', { policy: 'best' }, /policy/],
  ['an option out of range', { spread: 0 }, /spread/],
  ['an option that is not known', { polcy: 'round-robin' }, /polcy/],
  ['an option that means nothing to gRPC', { maxRequestsPerConnection: 5 }, /maxRequestsPerConnection/],
  ['a key of HTTP', { policy: 'ring-hash', ringHash: { key: () => 'a' } }, /ringHash\.header/],
  ['a key that no metadata can have', { policy: 'ring-hash', ringHash: { header: 'a~b' } }, /metadata/],
];

for (const [what, options, message] of BAD) {
  test(`${what} is refused when installed`, () => {
    assert.throws(() => installGrpc(grpc, options as GrpcOptions), { code: 'UND_ERR_INVALID_ARG', message });
  });
}

for (const value of [undefined, null, {}, 5, { Client: class {} }]) {
  test(`what is not grpc-js is refused: ${JSON.stringify(value)}`, () => {
    assert.throws(() => installGrpc(value as object), {
      code: 'UND_ERR_INVALID_ARG',
      message: /@grpc\/grpc-js/,
    });
  });
}

test('the module may be given as it is imported', async (t) => {
  const [pod] = await startGrpcPods(t, 1);
  const { client } = startBalanced(t, [pod!]);
  installGrpc({ default: grpc }).uninstall();
  assert.equal(await client.call(), pod!.address);
});

test('a version that evenkeel does not know is left as it is, with one warning', async (t) => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  t.after(() => process.off('warning', onWarning));
  const { experimental, ...rest } = grpc;
  const odd = { ...rest, experimental: { ...experimental, registerLoadBalancerType: undefined } };
  const balancing = installGrpc(odd);
  installGrpc(odd);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(balancing.stats, {});
  assert.deepEqual(
    warnings.map((warning) => (warning as NodeJS.ErrnoException).code),
    ['EVENKEEL_GRPC_VERSION'],
  );
});

for (const policy of ['least-request', 'round-robin', 'peak-ewma'] as const) {
  test(`policy: '${policy}'`, async (t) => {
    // Latencies that differ little, though the first calls take longer.
    const pods = await startGrpcPods(t, 3, { delay: 20 });
    const { client } = startBalanced(t, pods, { policy });
    await client.calls(200, 12);
    assert.ok(jain(callsOf(pods)) >= 0.95, callsOf(pods).join());
  });
}

test("policy: 'ring-hash' has calls with the same metadata go to the same pod", async (t) => {
  const pods = await startGrpcPods(t, 3);
  const { client } = startBalanced(t, pods, { policy: 'ring-hash', ringHash: { header: 'x-user' } });
  const owners = new Set<string>();
  for (let user = 0; user < 20; user++) {
    const answers = await client.calls(5, 1, { metadata: { 'x-user': `user ${user}` } });
    assert.equal(answers.size, 1);
    for (const address of answers.keys()) owners.add(address);
  }
  assert.equal(owners.size, 3);
  const without = await client.calls(9);
  assert.equal(without.size, 3);
});

test('weights are looked at', async (t) => {
  const pods = await startGrpcPods(t, 2);
  const [light, heavy] = pods;
  const { client, resolver } = startBalanced(t, []);
  resolver.set([
    { endpoint: { ...light!.endpoint, weight: 1 } },
    { endpoint: { ...heavy!.endpoint, weight: 3 } },
  ]);
  await client.calls(80, 4);
  const [few, many] = callsOf(pods);
  assert.ok(many! >= 2.5 * few! && many! <= 3.5 * few!, `${few} ${many}`);
});
