import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { RUNS } from './bars.ts';
import { type Bed, type BedClient, startBed } from './bed.ts';
import { jain } from './evenness.ts';
import type { PodCounts } from './pod.ts';

export const OLD_PODS = 3;
export const PODS = 10;
/** Seconds. */
export const CAP = 5;
export const WARM_UP = 4;
export const WINDOW = 2 * CAP;
export const LENGTH = WARM_UP + 2 * WINDOW;

export interface Contestant {
  readonly dispatcher: 'evenkeel' | 'undici';
  readonly options?: object;
  readonly clients?: number;
  /** Requests a second, of all clients together; default 500. */
  readonly rate?: number;
  /** Whether the pods have `evenkeel/identify`. */
  readonly identified?: boolean;
}

/** The counts of all pods at the end of each second, from the clients' start on. */
export type Run = readonly PodCounts[][];

/** Lets pods scale out under load, several times. */
export async function scaleOut(t: TestContext, contestant: Contestant): Promise<Run[]> {
  const { identified = false } = contestant;
  const bed = await startBed(t, { pods: PODS, identified: () => identified });
  const runs: Run[] = [];
  for (let run = 0; run < RUNS; run++) runs.push(await scaleOutOnce(bed, contestant));
  return runs;
}

async function scaleOutOnce(
  bed: Bed,
  { dispatcher, options = {}, clients: count = 1, rate = 500 }: Contestant,
): Promise<Run> {
  await bed.scale(OLD_PODS);
  const clients: BedClient[] = [];
  for (let n = 0; n < count; n++) clients.push(await bed.startClient(dispatcher, options));
  const counting = bed.countsEachSecond(LENGTH);
  const loads = clients.map((client) => client.steady(rate / count, LENGTH));
  await delay(WARM_UP * 1_000);
  await bed.scale(PODS);
  const reports = await Promise.all(loads);
  for (const { failures } of reports) assert.deepEqual(failures, {});
  const run = await counting;
  for (const client of clients) await client.destroy();
  return run;
}

/** Jain's index in the second window of two caps after the scaling. */
export function secondWindow(run: Run): number {
  return jain(requestsByPod(run, WARM_UP + WINDOW, LENGTH));
}

/** The part of the old pods in the same window. */
export function shareOfOldPods(run: Run): number {
  const requests = requestsByPod(run, WARM_UP + WINDOW, LENGTH);
  return sum(requests.slice(0, OLD_PODS)) / sum(requests);
}

/** The end of the first second after the scaling in which all pods had their share. */
export function evenFrom(run: Run): number {
  for (let second = WARM_UP + 1; second < LENGTH; second++) {
    if (jain(requestsByPod(run, second - 1, second)) >= 0.98) return second;
  }
  return LENGTH;
}

export function requestsByPod(run: Run, from: number, to: number): number[] {
  return run[to]!.map(({ requests }, pod) => requests - run[from]![pod]!.requests);
}

export function dials(run: Run, from: number, to: number): number {
  return sum(run[to]!.map(({ connections }, pod) => connections - run[from]![pod]!.connections));
}

export function inWords(values: readonly number[]): string {
  return `${mean(values).toFixed(2)} (${values.map((value) => value.toFixed(2)).join(', ')})`;
}

export function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
