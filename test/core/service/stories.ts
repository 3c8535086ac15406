// Stories of a Service in memory: pods die, hang and come back while it is called.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { BalancedAgentOptions } from '../../../src/config/options.ts';
import type { MemoryPod, Reaction } from '../../support/memory-pod.ts';
import { MemoryService } from '../../support/memory-service.ts';
import { seededRandom } from '../../support/random.ts';

const PODS = 20;
const CALLS = 500;
/** Milliseconds that a caller has at most. */
const LONGEST = 3_000;

type Dice = ReturnType<typeof diceOf>;

function diceOf(seed: number) {
  // The first numbers of neighbouring seeds are neighbours themselves.
  const random = seededRandom(Math.imul(seed, 0x9e3779b1));
  return {
    below: (most: number) => Math.floor(random() * most),
    chance: (share: number) => random() < share,
    one: <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!,
  };
}

function optionsOf(dice: Dice): BalancedAgentOptions {
  return {
    policy: dice.one(['least-request', 'round-robin', 'peak-ewma', 'ring-hash'] as const),
    connections: dice.one([null, 1, 3]),
    maxRequestsPerConnection: dice.one([0, 1, 20]),
    maxConnectionDuration: dice.one(['700ms', '3s']),
    drainTimeout: dice.one([0, '500ms']),
    maxPendingRequests: dice.one([10, 1_000]),
    endpointTimeout: dice.one(['500ms', '5s']),
  };
}

/** What a pod that is in order, more or less, does with a call. */
function reactionOf(dice: Dice): Reaction {
  const after = dice.one([1, 5, 20, 300]);
  if (dice.chance(0.9)) return { name: 'answer', after, lasts: dice.one([0, 0, 10, 400]) };
  return dice.one<Reaction>([
    { name: 'hang' },
    { name: 'break', after },
    { name: 'break', after, begun: true },
    { name: 'refuse', after },
    { name: 'go-away', after },
    { name: 'closed' },
    { name: 'answer', after, status: 503, headers: { 'retry-after': '1' } },
    { name: 'answer', after, status: 500 },
    { name: 'answer', after, lasts: 200, headers: { 'content-type': 'text/event-stream' } },
  ]);
}

/** Something happens to a pod: it comes back, most of the time. */
function happen(pod: MemoryPod, dice: Dice): void {
  const event = dice.one(['dies', 'hangs', 'fails', 'goes away', 'is back', 'is back', 'is back'] as const);
  if (event === 'goes away') {
    pod.goAway();
    return;
  }
  pod.dials = event === 'hangs' ? 'unanswered' : 'taken';
  pod.handshake = dice.one([1, 1, 10, 200]);
  pod.react = () => reactionOf(dice);
  if (event === 'dies') pod.die();
  if (event === 'hangs') pod.react = () => ({ name: 'hang' });
  if (event === 'fails') pod.react = () => ({ name: 'answer', status: 502 });
}

function start(memory: MemoryService, dice: Dice): void {
  const call = memory.call({
    repeatable: dice.chance(0.7),
    lasting: dice.chance(0.05),
    keyHash: memory.service.bindsByKey && dice.chance(0.5) ? dice.below(2 ** 30) : -1,
  });
  const isImpatient = dice.chance(0.5);
  memory.clock.schedule(
    () => {
      const reason = Object.assign(new Error('the caller has had enough'), { name: 'TimeoutError' });
      call.cancel(reason, call.statusCode === 0 ? 'expired' : 'cancelled');
    },
    isImpatient ? 50 + dice.below(500) : LONGEST,
  );
}

/** What is counted is what there is: at endpoints what their connections carry, and of calls those that have not ended. */
function assertCounted({ service, pods, calls }: MemoryService): void {
  let atEndpoints = 0;
  let lasting = 0;
  for (const endpoint of service.endpoints) {
    atEndpoints += endpoint.inFlight + endpoint.lasting;
    lasting += endpoint.lasting;
  }
  const carried = pods.flatMap(({ wires }) => [...wires]).reduce((sum, { load }) => sum + load, 0);
  assert.equal(atEndpoints, carried, 'in flight is what is carried');
  const open = calls.filter(({ ends }) => ends.length === 0).length;
  assert.equal(
    service.running + lasting + service.waiting,
    open,
    'calls that have not ended run, last or wait',
  );
}

/** Plays a story. Says what became of each call, and when. */
export async function play(t: TestContext, seed: number): Promise<string[]> {
  const dice = diceOf(seed);
  const multiplexes = dice.chance(0.5);
  const memory = new MemoryService(t, { pods: PODS, seed, multiplexes, options: optionsOf(dice) });
  const { clock, pods, service } = memory;
  for (const pod of pods) pod.react = () => reactionOf(dice);
  for (let n = 0; n < CALLS; n++) {
    if (dice.chance(0.1)) happen(dice.one(pods), dice);
    if (dice.chance(0.02)) memory.resolver.set(pods.filter(() => dice.chance(0.8)));
    start(memory, dice);
    await memory.run(dice.one([0, 1, 1, 5, 40]));
    assertCounted(memory);
  }
  let endedAt = -1;
  const end = dice.chance(0.7) ? service.close() : service.destroy(new Error('destroyed'));
  void end.then(() => {
    endedAt = clock.now();
  });
  const closedAt = clock.now();
  await memory.run(LONGEST + 100);
  const last = Math.max(closedAt, ...memory.calls.map((call) => call.endedAt));
  assert.ok(endedAt >= 0, 'it ends');
  assert.ok(endedAt <= last + 1, `it ends with its last call, not ${endedAt - last} ms later`);
  for (const [n, { ends }] of memory.calls.entries()) assert.equal(ends.length, 1, `call ${n} settles once`);
  return memory.calls.map(({ sentTo, ends, endedAt: at }) => `${sentTo} ${ends} ${at.toFixed(3)}`);
}
