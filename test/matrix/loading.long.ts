import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { NODES, run, testOnNode } from '../support/versions.ts';

const LOADERS = {
  nothing: '',
  'built-in fetch': 'globalThis.Response;',
  'undici 6': "require('undici6');",
  'undici 7': "require('undici7');",
  'undici 8': "require('undici');",
  'undici 7, then 6': "require('undici7'); require('undici6');",
  'a dispatcher of one’s own':
    "const { MockAgent, setGlobalDispatcher } = require('undici'); setGlobalDispatcher(new MockAgent());",
  'a dispatcher of undici 6':
    "const { MockAgent, setGlobalDispatcher } = require('undici6'); setGlobalDispatcher(new MockAgent());",
};

interface Slots {
  /** Whether each held something before evenkeel was loaded, and holds the same now. */
  readonly filled: boolean[];
  readonly same: boolean[];
  readonly usable: boolean;
}

/** Loads something, then evenkeel, and says what became of the global slots. */
function script(loader: string): string {
  return `
    const symbols = [1, 2].map((version) => Symbol.for('undici.globalDispatcher.' + version));
    ${loader}
    const before = symbols.map((symbol) => globalThis[symbol]);
    require('./src/index.ts');
    const after = symbols.map((symbol) => globalThis[symbol]);
    console.log(JSON.stringify({
      filled: before.map((dispatcher) => dispatcher !== undefined),
      same: after.map((dispatcher, index) => dispatcher === before[index]),
      usable: typeof after[1].dispatch === 'function',
    }));`;
}

async function load(binary: string, loader: string, env = {}): Promise<Slots> {
  const { code, stdout, stderr } = await run(binary, ['-e', script(loader)], env);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

for (const major of NODES) {
  describe(`Node ${major}`, { concurrency: 2 }, () => {
    for (const [what, loader] of Object.entries(LOADERS)) {
      testOnNode(
        major,
        `importing evenkeel after ${what} leaves the global dispatchers as they were`,
        async (_t, binary) => {
          const slots = await load(binary, loader);
          assert.equal(slots.same[0], true);
          assert.equal(slots.same[1] || !slots.filled[1], true);
          assert.equal(slots.usable, true);
        },
      );
    }

    testOnNode(major, 'importing evenkeel leaves the environment’s proxy in place', async (_t, binary) => {
      const env = { NODE_USE_ENV_PROXY: '1', http_proxy: 'http://127.0.0.1:1' };
      const slots = await load(binary, '', env);
      assert.equal(slots.filled[0], true);
      assert.equal(slots.same[0], true);
      assert.equal(slots.same[1] || !slots.filled[1], true);
    });
  });
}
