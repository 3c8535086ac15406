import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OwnPickers } from '../../../src/core/balancing/own-pickers.ts';
import type { Candidate, Picker } from '../../../src/core/balancing/picker.ts';
import { RoundRobin } from '../../../src/core/balancing/round-robin.ts';
import { load, ManualResolver, ORIGIN, startAgent } from '../../support/agent.ts';
import { settle, startPods } from '../../support/pods.ts';

type Method = 'add' | 'remove' | 'update' | 'pick' | 'used' | 'before' | 'observe';

/** A policy that works until it is told to fail in one of its methods. */
class Failing {
  now = false;
  readonly #method: Method;

  constructor(method: Method) {
    this.#method = method;
  }

  readonly policy = <C extends Candidate>(): Picker<C> => {
    const picker: Picker<C> = Object.assign(new RoundRobin<C>(), { observe: () => {} });
    const works = (picker[this.#method] as (...args: unknown[]) => unknown).bind(picker);
    const fails = (...args: unknown[]) => {
      if (this.now) throw new Error(`${this.#method} is broken`);
      return works(...args);
    };
    return Object.assign(picker, { [this.#method]: fails });
  };
}

function warningOf(code: string): Promise<Error & { detail?: string }> {
  return new Promise((resolve) => {
    process.on('warning', function listen(warning: Error & { code?: string }) {
      if (warning.code !== code) return;
      process.off('warning', listen);
      resolve(warning);
    });
  });
}

for (const method of ['add', 'remove', 'update', 'pick', 'used', 'before', 'observe'] as const) {
  test(`requests are served though one's own policy throws in ${method}, and close() ends`, async (t) => {
    const pods = await startPods(t, 3);
    const resolver = new ManualResolver(pods.slice(0, 2));
    const failing = new Failing(method);
    const agent = startAgent(t, [], { discovery: resolver.resolve, policy: failing.policy });
    await load(agent, 20, 4);
    failing.now = true;
    const warned = warningOf('EVENKEEL_POLICY_FAILED');
    await load(agent, 20, 4);
    resolver.set(pods.slice(1));
    await settle();
    await load(agent, 30, 4);
    assert.match(
      (await warned).message,
      new RegExp(`with the fewest requests in flight: ${method} is broken$`),
    );
    assert.ok(pods[2]!.requests > 8, String(pods.map(({ requests }) => requests)));
    const { running, queued } = agent.stats[ORIGIN]!;
    assert.deepEqual({ running, queued }, { running: 0, queued: 0 });
    await agent.close();
  });
}

test('a policy that makes no picker, or throws, is done without', async (t) => {
  const pods = await startPods(t, 2);
  const policies = [
    () => undefined as never,
    () => {
      throw new Error('no picker today');
    },
  ];
  for (const policy of policies) {
    const warned = warningOf('EVENKEEL_POLICY_FAILED');
    const agent = startAgent(t, pods, { policy });
    await load(agent, 10);
    assert.match((await warned).message, /made no picker|no picker today/);
  }
  for (const { requests } of pods) assert.ok(requests > 4, String(requests));
});

test('a policy that picks what it does not hold is done without, for all pickers of its service', () => {
  const stranger = new Pod();
  class Stale<C extends Candidate> extends RoundRobin<C> {
    override pick(): C | undefined {
      return stranger as unknown as C;
    }
  }
  const { create } = new OwnPickers(() => new Stale());
  const [ready, dialable] = [create<Pod>(), create<Pod>()];
  const [idle, busy] = [new Pod(), new Pod()];
  busy.load = 1;
  dialable.add(idle);
  dialable.add(busy);
  assert.equal(ready.pick(), undefined);
  assert.equal(dialable.pick(), idle);
  dialable.remove(idle);
  ready.add(idle);
  assert.equal(ready.pick(), idle);
  assert.equal(dialable.pick(), busy);
  assert.equal(create<Pod>().pick(), undefined);
});

class Pod implements Candidate {
  readonly weight = 1;
  load = 0;
  slot: unknown = undefined;
}
