import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, ORIGIN, startAgent } from '../../support/agent.ts';
import { type Pod, startPods } from '../../support/pods.ts';

/** A client that has its number, or none, loses all of its pods, and then those that it uses instead. */
export function testLosses(index: number | undefined): void {
  test(`a client none of whose pods can be reached uses others until one is back, index ${index}`, async (t) => {
    const all = await startPods(t, 8);
    const subset = { size: 2, ...(index === undefined ? undefined : { index }) };
    const agent = startAgent(t, all, { subset, random: () => 0 });
    await load(agent, 20, 4);
    const own = all.filter(({ requests }) => requests > 0);
    assert.equal(own.length, 2);
    for (const pod of own) await pod.kill();
    await load(agent, 40, 4);
    const lent = all.filter((pod) => pod.requests > 0 && !own.includes(pod));
    assert.ok(lent.length >= 1 && lent.length <= 2, String(lent.length));
    // Those fail too.
    for (const pod of lent) await pod.kill();
    await load(agent, 40, 4);

    const [back] = own as [Pod, Pod];
    await back.listen(back.address, back.port);
    const before = back.requests;
    const isBack = () => back.requests > before && agent.stats[ORIGIN]!.endpoints.length === 2;
    while (!isBack()) await load(agent, 4, 2);
    const others = all.filter((pod) => !own.includes(pod));
    const counts = others.map(({ requests }) => requests);
    await load(agent, 40, 4);
    assert.deepEqual(
      others.map(({ requests }) => requests),
      counts,
    );
  });
}
