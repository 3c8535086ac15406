import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ASK_ON, INDEX, ROOT, say } from './support/late-parts.ts';
import { run } from './support/versions.ts';

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
