// What callers of clients from npm get is what they get with Node's own agents.
import assert from 'node:assert/strict';
import { NODES, run, testOnNode } from '../../../support/versions.ts';
import type { Outcomes, Setting } from './calls.ts';
import { startClientPods } from './pod.ts';

const CALLS = new URL('calls.ts', import.meta.url).pathname;

/**
 * How often each way is played, at most: where a process stands still, a call is aborted before it was sent, and clients tell
 * that in other words, with Node's own agents as well.
 */
const PLAYS = 3;

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
        const stock = [await called('stock')];
        for (const way of agents === 'own' ? (['preloaded', 'by hand'] as const) : (['preloaded'] as const)) {
          let ours = await called(way);
          for (let n = 1; n < PLAYS && differing(ours, stock).length > 0; n++) {
            stock.push(await called('stock'));
            ours = await called(way);
          }
          assert.deepEqual(differing(ours, stock), []);
        }
      },
    );
  }
}

/** What callers got that they never got with Node's own agents. */
function differing(ours: Outcomes, stock: readonly Outcomes[]): object[] {
  const clients = Object.keys({ ...stock[0], ...ours });
  return clients.flatMap((client) =>
    Object.keys({ ...stock[0]![client], ...ours[client] }).flatMap((call) => {
      const [our, theirs] = [ours[client]?.[call], stock.map((each) => each[client]?.[call])];
      return theirs.includes(our) ? [] : [{ client, call, our, theirs }];
    }),
  );
}
