import { setTimeout as delay } from 'node:timers/promises';
import type { Call } from './clients.ts';

export interface Answer {
  /** Milliseconds since the load began, when it was due. */
  readonly at: number;
  /** When it was made: later than it was due, where this process did not get to it. */
  readonly begun: number;
  readonly took: number;
  /** The pod; `undefined`: it failed. */
  readonly pod: string | undefined;
}

/** Calls at an even rate, whether earlier calls have ended or not. */
export async function atRate(call: Call, perSecond: number, seconds: number): Promise<Answer[]> {
  const answers: Answer[] = [];
  const pending: Promise<void>[] = [];
  const startedAt = performance.now();
  for (let n = 0; n < perSecond * seconds; n++) {
    const at = (n * 1_000) / perSecond;
    const wait = startedAt + at - performance.now();
    if (wait > 1) await delay(wait);
    const begun = performance.now() - startedAt;
    const take = (pod: string | undefined) => {
      answers.push({ at, begun, took: performance.now() - startedAt - at, pod });
    };
    pending.push(call().then(take, () => take(undefined)));
  }
  await Promise.all(pending);
  return answers;
}

/** Calls so many times, so many at once; resolves to how often each pod answered. */
export async function atOnce(call: Call, count: number, width: number): Promise<Map<string, number>> {
  const answers = new Map<string, number>();
  let left = count;
  const worker = async () => {
    while (left-- > 0) {
      const pod = await call();
      answers.set(pod, (answers.get(pod) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return answers;
}

/** Calls as long as that, so many at once; resolves to how many were answered. */
export async function forAWhile(call: Call, milliseconds: number, width: number): Promise<number> {
  const until = performance.now() + milliseconds;
  let answered = 0;
  const worker = async () => {
    while (performance.now() < until) {
      await call();
      answered++;
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return answered;
}

/** Jain's fairness index of counts. */
export function jain(counts: readonly number[]): number {
  const sum = counts.reduce((total, count) => total + count, 0);
  return sum ** 2 / (counts.length * counts.reduce((total, count) => total + count ** 2, 0));
}
