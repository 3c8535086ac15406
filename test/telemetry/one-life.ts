import type { TestContext } from 'node:test';
import { get, startAgent } from '../support/agent.ts';
import { published } from '../support/channel.ts';
import { FakeClock } from '../support/clock.ts';
import { startPod } from '../support/pods.ts';

/** Has an agent make one connection, send one request on it, and close it at its age, a minute later. */
export async function liveOnce(t: TestContext): Promise<void> {
  const clock = new FakeClock();
  const agent = startAgent(t, [await startPod(t)], {
    clock,
    maxConnectionDuration: '60s',
    connectionDurationJitter: 0,
  });
  await get(agent);
  const closed = published('evenkeel:connection:close');
  clock.advance('60s');
  await closed;
}
