import assert from 'node:assert/strict';
import { inspect, isDeepStrictEqual } from 'node:util';
import { IS_SHORT, NODES, RUNNING, run, testOnNode } from '../../../support/versions.ts';
import { startClientPods } from '../clients/pod.ts';
import type { Setting } from './monitored-process.ts';

const PROCESS = new URL('monitored-process.ts', import.meta.url).pathname;

for (const major of NODES) {
  if (IS_SHORT && major !== RUNNING) continue;
  for (const monitor of ['dd-trace', 'newrelic'] as const) {
    for (const first of ['monitor', 'evenkeel'] as const) {
      testOnNode(
        major,
        `Node ${major}: ${monitor} tells of requests what it tells without evenkeel (first: ${first})`,
        async (t, binary) => {
          const [pod] = await startClientPods(t, 1);
          const toldOf = async (way: Setting['way']): Promise<unknown[]> => {
            const origin = `http://${pod!.address}:${pod!.port}`;
            const setting: Setting = { monitor, way, first, origin };
            const { stdout, stderr } = await run(binary, [PROCESS, JSON.stringify(setting)]);
            assert.notEqual(stdout, '', stderr);
            return JSON.parse(stdout) as unknown[];
          };
          const ways = ['stock', 'preloaded', 'by hand'] as const;
          const [stock, preloaded, byHand] = await Promise.all(ways.map(toldOf));
          assert.match(JSON.stringify(stock), /at the error/);
          assert.deepEqual(preloaded, stock);
          assert.ok(byHand!.length > 0);
          for (const each of byHand!)
            assert.ok(
              stock!.some((other) => isDeepStrictEqual(each, other)),
              inspect(each, { depth: 9 }),
            );
        },
      );
    }
  }
}
