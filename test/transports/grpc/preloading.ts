import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { callsOf } from '../../support/answers.ts';
import { startDnsServer } from '../../support/dns-server.ts';
import { GRPC_JS, type GrpcPod, startGrpcPod } from '../../support/grpc-pod.ts';
import { run } from '../../support/versions.ts';

const CALLER = new URL('../../support/', import.meta.url).pathname;
const REGISTER = new URL('../../../src/register.ts', import.meta.url).pathname;

/** Two ways to preload evenkeel. */
export const IMPORT = ['--import', REGISTER];
export const REQUIRE = ['--require', REGISTER.replace('.ts', '.cts')];

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

/** A program is balanced when evenkeel is preloaded so. */
export function testBalanced(preload: readonly string[], file: string): void {
  test(`${preload[0]}: grpc-js is balanced, and ${file} knows nothing of it`, async (t) => {
    const { pods, output } = await runCaller(t, file, preload);
    assert.equal(output, 'answered\n');
    assert.ok(
      callsOf(pods).every((calls) => calls >= 2),
      callsOf(pods).join(),
    );
  });
}

/** With this variable, the same program is not. */
export function testLeft(name: string, value: string): void {
  test(`${name}=${value} leaves grpc-js as it is`, async (t) => {
    const { pods, output } = await runCaller(t, 'grpc-requires.cjs', IMPORT, {
      [name]: value,
    });
    // The system's resolver does not know the name.
    assert.match(output, /Name resolution failed|answered/);
    assert.deepEqual(callsOf(pods), [0, 0]);
  });
}
