import assert from 'node:assert/strict';
import { startPod } from '../../../support/pods.ts';
import { NODES, run, testOnNode } from '../../../support/versions.ts';
import type { Setting } from './mocked-process.ts';

const PROCESS = new URL('mocked-process.ts', import.meta.url).pathname;
const WAYS = ['preloaded', 'by hand'] as const;

for (const major of NODES) {
  for (const mock of ['nock', 'msw'] as const) {
    for (const first of ['mock', 'evenkeel'] as const) {
      testOnNode(
        major,
        `Node ${major}: what ${mock} answers never leaves the process, and the rest does (first: ${first})`,
        async (t, binary) => {
          const pod = await startPod(t);
          for (const way of WAYS) {
            const setting: Setting = { mock, first, way, origin: `http://${pod.address}:${pod.port}` };
            const { stdout, stderr } = await run(binary, [PROCESS, JSON.stringify(setting)]);
            assert.notEqual(stdout, '', stderr);
            for (const [what, answer] of Object.entries(JSON.parse(stdout) as Record<string, string>)) {
              assert.equal(answer, what.endsWith('/mocked') ? 'by the mock' : pod.address, `${way}: ${what}`);
            }
          }
          assert.deepEqual(new Set(pod.paths), new Set(['/real']));
        },
      );
    }
  }
}
