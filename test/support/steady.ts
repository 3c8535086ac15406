import type { BalancedAgent } from '../../src/transports/undici/agent.ts';
import { get } from './agent.ts';

/** Sends requests at a steady rate and returns how long each took. */
export async function steady(agent: BalancedAgent, perSecond: number, seconds: number): Promise<number[]> {
  const pending: Promise<number>[] = [];
  const begun = performance.now();
  // How late this process itself was: on a busy machine, that is no request's wait for a connection.
  let held = 0;
  for (let n = 0; n < perSecond * seconds; n++) {
    const due = begun + (n * 1_000) / perSecond;
    const early = due - performance.now();
    if (early > 1) await new Promise((resolve) => setTimeout(resolve, early));
    const sent = performance.now();
    held = Math.max(held, sent - due);
    pending.push(get(agent).then(() => performance.now() - sent));
  }
  return (await Promise.all(pending)).map((time) => time - held);
}
