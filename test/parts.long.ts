import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ASK_ON, INDEX, say } from './support/late-parts.ts';

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
