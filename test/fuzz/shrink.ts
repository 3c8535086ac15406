// Makes a scenario smaller for as long as it shows the same, so that what is left can be read.

import type { Call, Scenario, Step } from './scenario.ts';
import { PLAIN } from './scenario.ts';

/** Whether a scenario still shows what is looked for. */
export type Shows = (scenario: Scenario) => Promise<boolean>;

/** Tries what makes a scenario smaller, the largest pieces first, until nothing does or the time is over. */
export async function shrink(scenario: Scenario, shows: Shows, isOver: () => boolean): Promise<Scenario> {
  let best = scenario;
  for (let before: Scenario | undefined; before !== best && !isOver(); ) {
    before = best;
    for (const smaller of [withoutWorkers, withoutSteps, withoutHabits, withPlainCalls]) {
      best = await smaller(best, shows, isOver);
    }
  }
  return best;
}

/** Takes out the longest runs of items first, then shorter ones: https://doi.org/10.1109/32.988498 */
async function without<T>(
  items: readonly T[],
  keeps: (items: readonly T[]) => Promise<boolean>,
  isOver: () => boolean,
): Promise<readonly T[]> {
  let left = items;
  for (let size = Math.ceil(left.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < left.length && !isOver(); ) {
      const fewer = [...left.slice(0, at), ...left.slice(at + size)];
      if (await keeps(fewer)) left = fewer;
      else at += size;
    }
  }
  return left;
}

async function withoutWorkers(scenario: Scenario, shows: Shows, isOver: () => boolean): Promise<Scenario> {
  const workers = await without(scenario.workers, (fewer) => shows({ ...scenario, workers: fewer }), isOver);
  return workers.length === scenario.workers.length ? scenario : { ...scenario, workers };
}

async function withoutSteps(scenario: Scenario, shows: Shows, isOver: () => boolean): Promise<Scenario> {
  let best = scenario;
  for (let n = 0; n < scenario.workers.length && !isOver(); n++) {
    const having = (steps: readonly Step[]): Scenario => ({ ...best, workers: best.workers.with(n, steps) });
    const steps = await without(best.workers[n]!, (fewer) => shows(having(fewer)), isOver);
    if (steps.length < best.workers[n]!.length) best = having(steps);
  }
  return best;
}

/** Without options, without what servers do on their own, and with fewer pods. */
async function withoutHabits(scenario: Scenario, shows: Shows, isOver: () => boolean): Promise<Scenario> {
  let best = scenario;
  const keep = async (smaller: Scenario) => {
    if (!isOver() && JSON.stringify(smaller) !== JSON.stringify(best) && (await shows(smaller)))
      best = smaller;
  };
  for (const name of Object.keys(scenario.shared)) await keep({ ...best, shared: omit(best.shared, name) });
  for (const name of Object.keys(scenario.own)) await keep({ ...best, own: omit(best.own, name) });
  await keep({ ...best, server: { slowAccept: 0, idleTimeout: 0 } });
  const named = scenario.workers.flat().flatMap((step) => ('pods' in step ? step.pods : []));
  const needed = Math.max(0, ...named) + 1;
  for (const pods of [1, 2]) if (pods >= needed && pods < best.pods) await keep({ ...best, pods });
  return best;
}

/** Calls that do nothing special, and are answered in good order. */
async function withPlainCalls(scenario: Scenario, shows: Shows, isOver: () => boolean): Promise<Scenario> {
  let best = scenario;
  for (const [n, steps] of scenario.workers.entries()) {
    for (const [at, step] of steps.entries()) {
      if (!('call' in step)) continue;
      for (const plainer of plainerThan(step.call)) {
        if (isOver()) return best;
        const steps = best.workers[n]!;
        const { call, await: awaited } = steps[at] as { call: Call; await: boolean };
        const smaller = { call: { ...call, ...plainer }, await: awaited };
        if (JSON.stringify(smaller.call) === JSON.stringify(call)) continue;
        const candidate = { ...best, workers: best.workers.with(n, steps.with(at, smaller)) };
        if (await shows(candidate)) best = candidate;
      }
    }
  }
  return best;
}

function* plainerThan({ id, replies, api }: Call): Generator<Partial<Call>> {
  const special = api === 'upgrade' || api === 'connect';
  if (!special) yield { replies: [PLAIN] };
  if (replies.length > 1) yield { replies: replies.slice(0, 1) };
  if (!special) yield { headers: { form: 'object', pairs: [['x-id', String(id)]] }, reuse: false };
  if (!special && api !== 'pipeline') yield { method: 'GET', body: { kind: 'none', size: 0 } };
}

function omit(options: Readonly<Record<string, unknown>>, name: string): Record<string, unknown> {
  const { [name]: _, ...rest } = options;
  return rest;
}
