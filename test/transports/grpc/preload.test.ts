import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { startDnsServer } from '../../support/dns-server.ts';
import { callsOf, GRPC_JS, type GrpcPod, startGrpcPod } from '../../support/grpc-pod.ts';
import { run } from '../../support/versions.ts';

const CALLER = new URL('../../support/', import.meta.url).pathname;
const REGISTER = new URL('../../../src/register.ts', import.meta.url).pathname;

/** Two pods that a name leads to, and a process that calls it six times with grpc-js, in its own words. */
async function runCaller(
  t: TestContext,
  file: string,
  preload: readonly string[],
  env: Record<string, string> = {},
): Promise<{ pods: GrpcPod[]; output: string }> {
  const first = await startGrpcPod(t);
  const pods = [first, await startGrpcPod(t, { port: first.port })];
  const dns = await startDnsServer(t);
  dns.set(
    'orders.prod',
    pods.map(({ address }) => address),
  );
  const args = [...preload, `${CALLER}${file}`, GRPC_JS, `orders.prod:${first.port}`];
  const { code, stdout, stderr } = await run(process.execPath, args, {
    EVENKEEL_DNS_SERVERS: dns.address,
    ...env,
  });
  assert.equal(code, 0, stderr);
  return { pods, output: stdout + stderr };
}

describe('with the preload', { concurrency: 2 }, () => {
  for (const preload of [
    ['--import', REGISTER],
    ['--require', REGISTER.replace('.ts', '.cts')],
  ]) {
    for (const file of ['grpc-requires.cjs', 'grpc-imports.mjs']) {
      test(`${preload[0]}: grpc-js is balanced, and ${file} knows nothing of it`, async (t) => {
        const { pods, output } = await runCaller(t, file, preload);
        assert.equal(output, 'answered\n');
        assert.ok(
          callsOf(pods).every((calls) => calls >= 2),
          callsOf(pods).join(),
        );
      });
    }
  }

  for (const [name, value] of [
    ['EVENKEEL_GRPC', 'false'],
    ['EVENKEEL_DISABLED', '1'],
    ['EVENKEEL_MODE', 'observe'],
  ] as const) {
    test(`${name}=${value} leaves grpc-js as it is`, async (t) => {
      const { pods, output } = await runCaller(t, 'grpc-requires.cjs', ['--import', REGISTER], {
        [name]: value,
      });
      // The system's resolver does not know the name.
      assert.match(output, /Name resolution failed|answered/);
      assert.deepEqual(callsOf(pods), [0, 0]);
    });
  }
});
