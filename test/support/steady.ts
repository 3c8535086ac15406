import { type Clock, systemClock } from '../../src/core/base/clock.ts';
import type { BalancedAgent } from '../../src/transports/undici/agent.ts';
import { get } from './agent.ts';

/** Sends requests at a steady rate and returns how long each took, by that clock. */
export async function steady(
  agent: BalancedAgent,
  perSecond: number,
  seconds: number,
  clock: Clock = systemClock,
): Promise<number[]> {
  const pending: Promise<number>[] = [];
  const begun = clock.now();
  // How late this process itself was: on a busy machine, that is no request's wait for a connection.
  let held = 0;
  for (let n = 0; n < perSecond * seconds; n++) {
    const due = begun + (n * 1_000) / perSecond;
    const early = due - clock.now();
    if (early > 1) await new Promise<void>((resolve) => void clock.schedule(resolve, early, true));
    const sent = clock.now();
    held = Math.max(held, sent - due);
    pending.push(get(agent).then(() => clock.now() - sent));
  }
  return (await Promise.all(pending)).map((time) => time - held);
}
