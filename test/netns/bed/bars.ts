import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';

/** Set where this machine has too much else to do: bars are for a quiet one. */
export const LENIENT = 'NETNS_LENIENT';

/** How often what chance decides is run, for its mean. */
export const RUNS = Number(process.env.NETNS_RUNS ?? 5);

/**
 * Checks what was measured, and depends on how fast this machine is. What must hold on any machine is
 * asserted as usual.
 */
export function assertMeasured(t: TestContext, met: boolean, measured: string): void {
  if (process.env[LENIENT] === undefined) assert.ok(met, measured);
  else if (!met) t.diagnostic(`not held against it, on a busy machine: ${measured}`);
}
