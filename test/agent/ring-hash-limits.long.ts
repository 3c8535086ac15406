import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { startAgent } from '../support/agent.ts';
import type { Pod } from '../support/pods.ts';
import { seededRandom } from '../support/random.ts';
import { type Answer, ask, askAll, HEADER, startBusyPods, usersOf } from './busy-pods.ts';

function p99(answers: readonly Answer[]): number {
  const sorted = answers.map(({ took }) => took).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.99)]!;
}

describe('ring-hash with limits', { concurrency: 2 }, () => {
  for (const limits of [{ connections: 1 }, { maxRequestsPerEndpoint: 2 }]) {
    for (const balanceFactor of [1.25, 0]) {
      const [limit] = Object.values(limits);
      const title = `${Object.keys(limits)[0]} ${limit}, balanceFactor ${balanceFactor}`;
      test(`${title}: a request without a key waits no longer than those with one, and no pod has more than it may`, async (t) => {
        const { pods, most } = await startBusyPods(t, 3);
        const agent = startAgent(t, pods, {
          policy: 'ring-hash',
          ringHash: { header: HEADER, balanceFactor },
          ...limits,
        });
        const keyed = askAll(agent, 24, usersOf(2_000));
        let done = false;
        void keyed.finally(() => (done = true));
        const keyless: Answer[] = [];
        while (!done) keyless.push(await ask(agent));
        const waits = { keyless: p99(keyless), keyed: p99(await keyed) };
        t.diagnostic(
          `p99 without a key ${waits.keyless.toFixed(0)} ms (of ${keyless.length}), with one ${waits.keyed.toFixed(0)} ms; at once ${most.join(' ')}`,
        );
        assert.ok(keyless.length > 20, String(keyless.length));
        assert.ok(waits.keyless <= waits.keyed, JSON.stringify(waits));
        assert.ok(Math.max(...most) <= limit!, String(most));
      });
    }
  }
});

/** The main pod of each user, as a client finds it that doesn't spread what pods have at once. */
async function homesOf(
  t: TestContext,
  pods: readonly Pod[],
  users: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const agent = startAgent(t, pods, { policy: 'ring-hash', ringHash: { header: HEADER, balanceFactor: 0 } });
  const homes = async () =>
    new Map(await Promise.all(users.map(async (user) => [user, (await ask(agent, user)).pod] as const)));
  // Until all pods are connected, others stand in for them.
  await homes();
  return homes();
}

describe('requests of one user at once share the pod of their key while the fleet has little to do', {
  concurrency: 2,
}, () => {
  for (const [clients, perUser] of [
    [1, 2],
    [1, 4],
    [5, 2],
    [10, 1],
  ] as const) {
    test(`${clients} users with ${perUser} at once`, async (t) => {
      const { pods } = await startBusyPods(t, 10);
      const agent = startAgent(t, pods, { policy: 'ring-hash', ringHash: { header: HEADER } });
      const users = Array.from({ length: 200 }, (_, n) => `user-${n}`);
      const homes = await homesOf(t, pods, users);
      const random = seededRandom(7);
      let [home, all, left] = [0, 0, 1_000];
      const client = async () => {
        while ((left -= perUser) >= 0) {
          const user = users[Math.floor(random() * users.length)]!;
          for (const { pod } of await Promise.all(Array.from({ length: perUser }, () => ask(agent, user)))) {
            all++;
            if (pod === homes.get(user)) home++;
          }
        }
      };
      await Promise.all(Array.from({ length: clients }, client));
      const share = home / all;
      t.diagnostic(`${(share * 100).toFixed(1)} % at the main pod`);
      assert.ok(share >= 0.95, `${share}`);
    });
  }
});
