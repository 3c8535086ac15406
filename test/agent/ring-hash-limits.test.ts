import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { buildConnector } from 'undici';
import type { BalancedAgent } from '../../src/transports/undici/agent.ts';
import { ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { h2c, startH2Pod } from '../support/h2-pod.ts';
import { nextAddress, type Pod, settle, startPods } from '../support/pods.ts';
import { seededRandom } from '../support/random.ts';

const HEADER = 'x-user';
const WORK = 4;

interface Answer {
  readonly pod: string;
  readonly took: number;
}

/** Pods that take a moment to answer, and how many requests each has had at once at most. */
async function startBusyPods(t: TestContext, count: number): Promise<{ pods: Pod[]; most: number[] }> {
  const pods = await startPods(t, count);
  const most = pods.map(() => 0);
  for (const [index, pod] of pods.entries()) {
    let now = 0;
    pod.respond = async (_request, response) => {
      most[index] = Math.max(most[index]!, ++now);
      await delay(WORK);
      now--;
      response.end(pod.address);
    };
  }
  return { pods, most };
}

async function ask(agent: BalancedAgent, user?: string): Promise<Answer> {
  const begun = performance.now();
  const headers = user === undefined ? {} : { [HEADER]: user };
  const { body } = await agent.request({ origin: ORIGIN, path: '/', method: 'GET', headers });
  return { pod: await body.text(), took: performance.now() - begun };
}

/** Asks one after the other, so many at once, until all are done. */
async function askAll(
  agent: BalancedAgent,
  concurrency: number,
  users: (string | undefined)[],
): Promise<Answer[]> {
  const answers: Answer[] = [];
  const worker = async () => {
    while (users.length > 0) answers.push(await ask(agent, users.shift()));
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return answers;
}

function p99(answers: readonly Answer[]): number {
  const sorted = answers.map(({ took }) => took).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.99)]!;
}

function usersOf(count: number, random = seededRandom(1)): string[] {
  return Array.from({ length: count }, () => `user-${Math.floor(random() * 200)}`);
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

test('over HTTP/2, too, a pod has no more requests with a key than it may', async (t) => {
  let [now, most] = [0, 0];
  const pod = await startH2Pod(t, async (stream) => {
    most = Math.max(most, ++now);
    await delay(WORK);
    now--;
    if (stream.destroyed) return;
    stream.respond({ ':status': 200 });
    stream.end();
  });
  const agent = startAgent(t, [pod], {
    policy: 'ring-hash',
    ringHash: { header: HEADER },
    maxRequestsPerEndpoint: 2,
    ...h2c,
  });
  await askAll(agent, 20, usersOf(100));
  assert.equal(most, 2);
});

test('requests of one user at once share the pod of their key while the fleet has little to do', async (t) => {
  const { pods } = await startBusyPods(t, 10);
  const agent = startAgent(t, pods, { policy: 'ring-hash', ringHash: { header: HEADER } });
  const users = Array.from({ length: 200 }, (_, n) => `user-${n}`);
  const homes = new Map<string, string>();
  for (const user of users) homes.set(user, (await ask(agent, user)).pod);
  for (const [clients, perUser] of [
    [1, 2],
    [1, 4],
    [5, 2],
    [10, 1],
  ] as const) {
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
    t.diagnostic(`${clients} users with ${perUser} at once: ${(share * 100).toFixed(1)} % at the main pod`);
    assert.ok(share >= 0.95, `${share}`);
  }
});

for (const balanceFactor of [1.25, 0]) {
  test(`balanceFactor ${balanceFactor}: keys of a new pod that drops packets wait for nobody`, async (t) => {
    const { pods } = await startBusyPods(t, 3);
    const resolver = new ManualResolver(pods);
    const silent = nextAddress();
    const dial = buildConnector({});
    let dialled = false;
    const agent = startAgent(t, [], {
      discovery: resolver.resolve,
      policy: 'ring-hash',
      ringHash: { header: HEADER, balanceFactor },
      connect: (params, callback) => {
        if (params.hostname === silent) dialled = true;
        else dial(params, callback);
      },
    });
    const users = Array.from({ length: 100 }, (_, n) => `user-${n}`);
    await askAll(agent, 4, [...users]);
    resolver.set([...pods, { endpoint: { address: silent, port: pods[0]!.port } }]);
    while (agent.stats[ORIGIN]!.endpoints.length < 4) await settle();
    const waits = await askAll(agent, 4, [...users, ...users]);
    const longest = Math.max(...waits.map(({ took }) => took));
    t.diagnostic(`the longest wait is ${longest.toFixed(0)} ms`);
    assert.ok(dialled);
    assert.ok(longest < 500, String(longest));
  });
}

test('keys of one of three pods that drops packets from the start go on to another one, after a moment', async (t) => {
  const { pods } = await startBusyPods(t, 2);
  const silent = nextAddress();
  const dial = buildConnector({});
  const agent = startAgent(t, [...pods, { endpoint: { address: silent, port: 9 } }], {
    policy: 'ring-hash',
    ringHash: { header: HEADER, balanceFactor: 0 },
    connect: (params, callback) => {
      if (params.hostname !== silent) dial(params, callback);
    },
  });
  const users = Array.from({ length: 30 }, (_, n) => `user-${n}`);
  const first = await Promise.all(users.map((user) => ask(agent, user)));
  assert.ok(Math.max(...first.map(({ took }) => took)) < 1_000);
  const later = await Promise.all(users.map((user) => ask(agent, user)));
  assert.ok(Math.max(...later.map(({ took }) => took)) < 500);
});

test('the keys of a new pod are its as soon as it is connected', async (t) => {
  const { pods } = await startBusyPods(t, 4);
  const resolver = new ManualResolver(pods.slice(1));
  const agent = startAgent(t, [], {
    discovery: resolver.resolve,
    policy: 'ring-hash',
    ringHash: { header: HEADER, balanceFactor: 0 },
  });
  const users = Array.from({ length: 60 }, (_, n) => `user-${n}`);
  const before = await askAll(agent, 1, [...users]);
  resolver.set(pods);
  const fresh = pods[0]!;
  while (fresh.requests === 0) for (const user of users) await ask(agent, user);
  for (const [index, { pod }] of (await askAll(agent, 1, [...users])).entries()) {
    assert.ok(pod === before[index]!.pod || pod === fresh.address);
  }
});
