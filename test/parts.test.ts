import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ASK_ON, INDEX, say } from './support/late-parts.ts';

test('what balances node:http is loaded by the first request, which is balanced, and what balances gRPC is not', async (t) => {
  const { said, pod } = await say(
    t,
    `install(options);
    const before = rest();
    const asked = ask();
    const after = rest();
    console.log(JSON.stringify({
      before, http: after.includes('http/http-wire.ts'), grpc: after.some((file) => file.startsWith('grpc/')),
      status: await asked, origins: Object.keys(stats()),
    }));
    await uninstall();`,
  );
  assert.deepEqual(said, {
    before: [],
    http: true,
    grpc: false,
    status: 200,
    origins: ['http://orders.prod'],
  });
  assert.equal(pod.requests, 1);
});

test('with node:http left alone, its requests load nothing', async (t) => {
  const { said } = await say(
    t,
    `install({ ...options, http: false });
    const status = await ask();
    console.log(JSON.stringify({ status, loaded: rest() }));
    await uninstall();`,
  );
  assert.deepEqual(said, { status: 'ENOTFOUND', loaded: [] });
});

test('the first copy of grpc-js loads what balances its calls, before its owner has it', async (t) => {
  const { said } = await say(
    t,
    `import { createRequire } from 'node:module';
    install(options);
    const before = rest();
    createRequire(${JSON.stringify(INDEX)})('@grpc/grpc-js');
    console.log(JSON.stringify({ before, loaded: rest().includes('grpc/channel.ts') }));
    await uninstall();`,
  );
  assert.deepEqual(said, { before: [], loaded: true });
});

test('where modules can’t be required, requests are balanced from a moment later on', async (t) => {
  const { said, stderr } = await say(t, ASK_ON, ['--no-experimental-require-module']);
  assert.deepEqual(said, { early: ['ENOTFOUND'], origins: ['http://orders.prod'] });
  assert.equal(stderr, '');
});
