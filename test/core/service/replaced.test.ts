import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryService } from '../../support/memory-service.ts';

/** A tenth of a second in which requests come, one each half a millisecond, and pods take 20 ms for each. */
const REQUESTS = 200;
const INTERVAL = 0.5;

for (const [count, stay] of [
  [5, 0],
  [10, 0],
  [10, 1],
] as const) {
  test(`where all of ${count} pods but ${stay} are replaced at once, no pod is flooded until all are connected`, async (t) => {
    const service = new MemoryService(t, { pods: 2 * count - stay });
    service.allAnswerAfter(20);
    service.resolver.set(service.pods.slice(0, count));
    await service.load(10 * REQUESTS, INTERVAL);
    const pods = service.pods.slice(count - stay);
    service.resolver.set(pods);
    const most: number[] = [];
    for (let tenth = 0; tenth < 10; tenth++) {
      const before = pods.map(({ requests }) => requests);
      await service.load(REQUESTS, INTERVAL);
      most.push(Math.max(...pods.map(({ requests }, pod) => requests - before[pod]!)));
    }
    // The first tenth has what is dialled then. Stock clients dial each pod as often, by chance.
    const fair = REQUESTS / count;
    assert.ok(most[0]! <= 3.5 * fair, `${most} requests to the pod with the most, ${fair} would be fair`);
    assert.ok(Math.max(...most.slice(1)) <= 1.3 * fair, `${most}, ${fair} would be fair`);
    await service.run(100);
  });
}
