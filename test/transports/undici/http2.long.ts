import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, startAgent } from '../../support/agent.ts';
import { answer, h2c, startH2Pod } from '../../support/h2-pod.ts';

test('200 streams at once, with a cap of 50: no connection carries a 51st', async (t) => {
  const counts = new Map<unknown, number>();
  const pods = await Promise.all(
    Array.from({ length: 5 }, () =>
      startH2Pod(t, (stream, headers, nth) => {
        counts.set(stream.session, (counts.get(stream.session) ?? 0) + 1);
        setImmediate(() => answer(stream, headers, nth));
      }),
    ),
  );
  const agent = startAgent(t, pods, { ...h2c, maxRequestsPerConnection: 50 });
  // Those that come first take what the sessions that are there first may carry: 50, 50, 50, 49 and 1.
  await load(agent, 1_000, 200);
  const before = pods.map(({ streams }) => streams);
  await load(agent, 10_000, 200);
  assert.equal(Math.max(...counts.values()), 50);
  const served = pods.map(({ streams }, n) => streams - before[n]!);
  assert.equal(
    served.reduce((sum, streams) => sum + streams, 0),
    10_000,
  );
  for (const streams of served) assert.ok(Math.abs(streams - 2_000) <= 60, `${served}`);
});
