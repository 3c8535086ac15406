import assert from 'node:assert/strict';
import { join } from 'node:path';
import { IS_SHORT, NODES, RUNNING, run, testOnNode } from '../../support/versions.ts';

/** The last of each minor version that evenkeel knows. */
const NEWEST = '@grpc/grpc-js';
const GRPC_JS = ['grpc110', 'grpc111', 'grpc112', 'grpc113', NEWEST];
const FILES = [
  'balancing',
  'beside-stock',
  'connections',
  'health',
  'held',
  'process',
  'refused',
  'targets',
  'telemetry',
].map((name) => join(import.meta.dirname, `${name}.test.ts`));

/** Milliseconds for all of them, on a machine that has other things to do: just below what a test may take. */
const LONGEST = 115_000;

/** For each of them, so that one that never ends is named before all of them are ended. */
const LONGEST_FILE = 100_000;

/** Tests that failed, in TAP, each with why. */
const FAILED = /^ *not ok .*\n(?: +---\n[\s\S]*?\n +\.\.\.$)?/gm;

for (const major of NODES) {
  for (const name of GRPC_JS) {
    // The newest one on this Node.js is what these tests run with by themselves.
    if (IS_SHORT && (major === RUNNING) === (name === NEWEST)) continue;
    testOnNode(major, `the tests pass with ${name} in Node.js ${major}`, async (_t, binary) => {
      const args = [
        '--test',
        `--test-timeout=${LONGEST_FILE}`,
        '--test-concurrency=2',
        '--test-reporter=tap',
        ...FILES,
      ];
      const { code, stdout } = await run(binary, args, { TEST_GRPC_JS: name }, LONGEST);
      assert.deepEqual(stdout.match(FAILED) ?? [], []);
      assert.equal(code, 0, stdout);
    });
  }
}
