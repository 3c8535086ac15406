// What callers of clients from npm get is what they get with Node's own agents.
import assert from 'node:assert/strict';
import { NODES, run, testOnNode } from '../../../support/versions.ts';
import type { Outcomes, Setting } from './calls.ts';
import { startClientPods } from './pod.ts';

const CALLS = new URL('calls.ts', import.meta.url).pathname;

for (const major of NODES) {
  for (const agents of ['own', 'default'] as const) {
    testOnNode(
      major,
      `Node ${major}: by hand and preloaded, callers with ${agents} agents get what Node’s own bring`,
      async (t, binary) => {
        const [pod] = await startClientPods(t, 1);
        const { address, port } = pod!;
        const called = async (way: Setting['way']): Promise<Outcomes> => {
          const setting: Setting = {
            way,
            agents,
            pods: [{ address, port }],
            origin: `http://${address}:${port}`,
          };
          const { code, stdout, stderr } = await run(binary, [CALLS, JSON.stringify(setting)]);
          assert.equal(code, 0, stderr);
          return JSON.parse(stdout) as Outcomes;
        };
        const stock = await called('stock');
        assert.deepEqual(await called('preloaded'), stock);
        if (agents === 'own') assert.deepEqual(await called('by hand'), stock);
      },
    );
  }
}
