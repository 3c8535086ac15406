import assert from 'node:assert/strict';
import { join } from 'node:path';
import { NODES, type Run, run, testOnNode } from '../support/versions.ts';

const COMMAND = [join(import.meta.dirname, 'run.ts'), '--digest', '--seeds', '60'];
/** The stories on this Node.js, with which all others are compared. */
let toldHere: Promise<Run> | undefined;

for (const major of NODES) {
  testOnNode(
    major,
    `sixty seeds have the same stories on Node.js ${major}, to the microsecond`,
    async (_t, binary) => {
      const there = await run(binary, COMMAND);
      toldHere ??= run(process.execPath, COMMAND);
      const here = await toldHere;
      assert.equal(there.code, 0, there.stderr);
      assert.match(there.stdout, /^[0-9a-f]{64}\n$/);
      assert.equal(there.stdout, here.stdout);
    },
  );
}
