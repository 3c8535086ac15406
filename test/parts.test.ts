import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type Pod, startPod } from './support/pods.ts';
import { run } from './support/versions.ts';

const ROOT = join(import.meta.dirname, '..');
const INDEX = pathToFileURL(join(ROOT, 'src/index.ts')).href;

/** Before anything else: notes which files of the transports are loaded, but for what looks out for their first use. */
const NOTES = `
  import { registerHooks } from 'node:module';
  const loaded = [];
  registerHooks({
    load(url, context, next) {
      if (/src\\/transports\\/(http|grpc)\\//.test(url)) loaded.push(url.replace(/.*\\/transports\\/|\\?.*/g, ''));
      return next(url, context);
    },
  });
  const rest = () => loaded.filter((file) => !/^\\w+\\/global\\/(install|patch)\\.ts$|^http\\/node-http\\.ts$/.test(file));`;

/** Requests of node:http to a name that only evenkeel knows, and how each of them ends. */
const ASK = `
  import http from 'node:http';
  const ask = () => new Promise((resolve) => {
    http.get('http://orders.prod', (response) => resolve(response.resume().statusCode)).on('error', ({ code }) => resolve(code));
  });`;

/** Runs a script with evenkeel for a pod, on this Node; returns what it says. */
async function say(
  t: TestContext,
  script: string,
  flags: string[] = [],
): Promise<{ said: unknown; pod: Pod; stderr: string }> {
  const pod = await startPod(t);
  const code = `${NOTES}${ASK}
    const { install, stats, staticResolver, uninstall } = await import(${JSON.stringify(INDEX)});
    const options = { hosts: ['orders.prod'], discovery: staticResolver([${JSON.stringify(pod.endpoint)}]) };
    ${script}`;
  const args = [...flags, '--input-type=module', '--eval', code];
  const { stdout, stderr } = await run(process.execPath, args);
  return { said: stdout === '' ? stderr : JSON.parse(stdout), pod, stderr };
}

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

/** Asks until evenkeel has a request, and says how those before it ended. */
const ASK_ON = `
  install(options);
  const before = [];
  let status;
  while ((status = await ask()) !== 200) before.push(status);
  console.log(JSON.stringify({ early: [...new Set(before)], origins: Object.keys(stats()) }));
  await uninstall();`;

test('where modules can’t be required, requests are balanced from a moment later on', async (t) => {
  const { said, stderr } = await say(t, ASK_ON, ['--no-experimental-require-module']);
  assert.deepEqual(said, { early: ['ENOTFOUND'], origins: ['http://orders.prod'] });
  assert.equal(stderr, '');
});

test('a part of another copy of evenkeel, as a test runner may load it, is not taken', async (t) => {
  // Another module in its place says as little of this copy as that would.
  const another = `
    registerHooks({
      resolve(specifier, context, next) {
        const isRequired = specifier.endsWith('/http/global/part.ts') && context.conditions.includes('require');
        return next(isRequired ? new URL('core/base/hash.ts', ${JSON.stringify(INDEX)}).pathname : specifier, context);
      },
    });`;
  const { said } = await say(t, another + ASK_ON);
  assert.deepEqual(said, { early: ['ENOTFOUND'], origins: ['http://orders.prod'] });
});

test('a part that is gone leaves the requests to their agents, and is warned of', async (t) => {
  const gone = `
    registerHooks({
      resolve(specifier, context, next) {
        if (specifier.endsWith('/http/global/part.ts')) throw new Error('no such file');
        return next(specifier, context);
      },
    });`;
  const { said, stderr } = await say(
    t,
    `${gone}
    install(options);
    console.log(JSON.stringify([await ask(), await ask()]));
    await uninstall();`,
  );
  assert.deepEqual(said, ['ENOTFOUND', 'ENOTFOUND']);
  assert.match(
    stderr,
    /^[^\n]*\[EVENKEEL_PART_MISSING\][^\n]*left alone: no such file\n[^\n]*trace-warnings[^\n]*\n$/,
  );
});

for (const entry of ['register', 'identify']) {
  test(`where modules can't be required, evenkeel/${entry} is there a moment after the app has begun`, async () => {
    const script = `
      import http from 'node:http';
      import { stats } from ${JSON.stringify(INDEX)};
      let name;
      const server = http.createServer((request, response) => response.end()).listen(0, '127.0.0.1', ask);
      function ask() {
        const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        const url = 'http://127.0.0.1:' + server.address().port;
        http.get(url, { agent }, (response) => {
          name = response.headers['evenkeel-pod'];
          response.resume().on('end', () => {
            agent.destroy();
            if (name === undefined && Object.keys(stats()).length === 0) return ask();
            console.log('there');
            process.exit();
          });
        });
      }`;
    const preload = join(ROOT, 'src', entry);
    for (const way of [
      ['--import', `${preload}.ts`],
      ['--require', `${preload}.cts`],
    ]) {
      const flags = ['--no-experimental-require-module', '--input-type=module'];
      const { code, stdout, stderr } = await run(process.execPath, [...flags, ...way, '-e', script]);
      assert.deepEqual([code, stdout, stderr], [0, 'there\n', '']);
    }
  });
}
