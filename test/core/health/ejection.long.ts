import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { FakeClock } from '../../support/clock.ts';
import { startPods } from '../../support/pods.ts';
import { seededRandom } from '../../support/random.ts';
import { ask, askMany, startAgent, stateOf } from './asking.ts';

for (const policy of ['round-robin', 'least-request'] as const) {
  test(`with ${policy}, one of ten pods that fails one request in three is ejected within a minute, and no other is`, async (t) => {
    const clock = new FakeClock();
    const pods = await startPods(t, 10);
    const agent = startAgent(t, pods, { clock, policy, random: seededRandom(2) });
    await askMany(agent, 20);
    const [begun, bad] = [clock.now(), pods[4]!];
    const chance = seededRandom(1);
    bad.respond = (_request, response) => response.writeHead(chance() < 1 / 3 ? 503 : 200).end();
    // 500 a second.
    while (stateOf(agent, bad) !== 'ejected' && clock.now() - begun < 60_000) {
      await ask(agent);
      clock.advance(2);
    }
    assert.equal(stateOf(agent, bad), 'ejected');
    console.log(
      `a pod failing one in three, 500 rps, ${policy}: ejected after ${(clock.now() - begun) / 1_000} s`,
    );
    for (const pod of pods) if (pod !== bad) assert.notEqual(stateOf(agent, pod), 'ejected');
  });
}

test('of ten pods that all fail one request in three, none is ejected within a minute', async (t) => {
  const clock = new FakeClock();
  const pods = await startPods(t, 10);
  const agent = startAgent(t, pods, { clock, random: seededRandom(2) });
  const chance = seededRandom(1);
  for (const pod of pods) {
    pod.respond = (_request, response) => response.writeHead(chance() < 1 / 3 ? 503 : 200).end();
  }
  const ejected: string[] = [];
  const onEject = (message: unknown) => void ejected.push((message as { address: string }).address);
  subscribe('evenkeel:endpoint:eject', onEject);
  t.after(() => unsubscribe('evenkeel:endpoint:eject', onEject));
  for (let n = 0; n < 6_000; n++) {
    await ask(agent);
    clock.advance(10);
  }
  assert.deepEqual(ejected, []);
});
