// Whoever uses node:http is told by a balanced agent what Node's own agent tells: all events and their order,
// properties, errors, the context in which they come, and what goes to the server.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nextAddress } from '../../../support/pods.ts';
import { linesOf } from './differences.ts';
import { PLAYS, play, SCENARIOS } from './play.ts';
import { wayOf } from './ways.ts';

/** In this process, by hand: a connection idles, or there is none yet. */
export function testTraces(warm: boolean): void {
  describe(warm ? 'with a connection that idles' : 'with no connection yet', { concurrency: 8 }, () => {
    for (const scenario of Object.keys(SCENARIOS)) {
      test(scenario, async () => {
        const address = nextAddress();
        const told = async (name: 'stock' | 'by hand') =>
          linesOf(scenario, await play(scenario, await wayOf(name, address), { warm }), name);
        const stock: string[] = [];
        for (let n = 1; ; n++) {
          const theirs = await told('stock');
          stock.push(String(theirs));
          const ours = await told('by hand');
          if (stock.includes(String(ours))) return;
          if (n === PLAYS) assert.deepEqual(ours, theirs);
        }
      });
    }
  });
}
