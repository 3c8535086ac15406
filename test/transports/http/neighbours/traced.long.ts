import assert from 'node:assert/strict';
import { inspect, isDeepStrictEqual } from 'node:util';
import { NODES, run, testOnNode } from '../../../support/versions.ts';
import { startClientPods } from '../clients/pod.ts';
import type { Setting } from './traced-process.ts';

const PROCESS = new URL('traced-process.ts', import.meta.url).pathname;

for (const major of NODES) {
  for (const first of ['tracer', 'evenkeel'] as const) {
    testOnNode(
      major,
      `Node ${major}: OpenTelemetry’s spans are those that it makes without evenkeel (first: ${first})`,
      async (t, binary) => {
        const [pod] = await startClientPods(t, 1);
        const spans = async (way: Setting['way']): Promise<object[]> => {
          const setting: Setting = { way, first, origin: `http://${pod!.address}:${pod!.port}` };
          const { stdout, stderr } = await run(binary, [PROCESS, JSON.stringify(setting)]);
          assert.notEqual(stdout, '', stderr);
          return JSON.parse(stdout) as object[];
        };
        const stock = await spans('stock');
        assert.deepEqual(await spans('preloaded'), stock);
        const byHand = await spans('by hand');
        assert.ok(byHand.length > 0);
        for (const span of byHand)
          assert.ok(
            stock.some((other) => isDeepStrictEqual(span, other)),
            inspect(span),
          );
      },
    );
  }
}
