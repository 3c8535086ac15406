// How long does it take until pods that are added share the load?
//
// Three pods become ten. Each contender sends at the same even rate, and each response says which pod it
// comes from.

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { availableContenders, BY_NAME, CONTENDERS, type Contender } from './support/comparison/contenders.ts';
import { type ComparedService, startService } from './support/comparison/service.ts';
import type { PodAnswer } from './support/pods.ts';
import { progress, report } from './support/report.ts';

const [BEFORE, AFTER] = [3, 10];
/** Seconds. */
const SCALED_AT = 5;
const RATE = 100;
/** Milliseconds that a response takes on average. */
const RESPONSE_TIME = 10;
/** Milliseconds after which those who do that replace a connection: a sixth of evenkeel's default. */
const MAX_AGE = 10_000;
/** Jain's index of the last seconds that evenkeel reaches, where it sees the pods. */
const BAR = 0.99;
const LAST = 20;
/** Jain's index, over so many seconds, from which on the load counts as even. */
const EVEN = 0.9;
const WINDOW = 5;

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean' },
    seconds: { type: 'string', default: '60' },
    only: { type: 'string' },
  },
});
const seconds = Number(args.seconds);
const names = availableContenders().filter((name) => name.includes(args.only ?? ''));

const runs = names.map(async (name) => {
  const identified = name === BY_NAME;
  const service = await startService({ pods: AFTER, ready: BEFORE, delay: RESPONSE_TIME, identified });
  const contender = await CONTENDERS[name]!(service, { maxAge: MAX_AGE, connections: 8 });
  return { name, ...(await play(service, contender, name === names[0])) };
});
for (const { name, table, failures } of await Promise.all(runs)) {
  const shares = sum(table.slice(-LAST));
  const fair = jain(shares);
  const even = table.findIndex((_, second) => second >= SCALED_AT && isEven(table.slice(second)));
  report({
    bench: 'scale-out',
    case: name,
    value: Math.round(fair * 1_000) / 1_000,
    bar: isExact(name) ? { atLeast: BAR } : undefined,
    text:
      `Jain ${fair.toFixed(3)} in the last ${LAST} s; ` +
      `${even < 0 ? 'never even' : `even ${even + 1 - SCALED_AT} s after`}; ${failures} failures`,
    detail: { requestsPerPodAndSecond: table, scaledAt: SCALED_AT, failures },
  });
}
process.exit();

/** Whether it is one of evenkeel's ways that knows the pods. */
function isExact(name: string): boolean {
  return name === BY_NAME || (name.startsWith('evenkeel') && name.endsWith('headless'));
}

/** Sends at an even rate; returns the requests of each pod, second by second. */
async function play(
  service: ComparedService,
  contender: Contender,
  tells: boolean,
): Promise<{ table: number[][]; failures: number }> {
  const table = Array.from({ length: seconds }, () => new Array<number>(AFTER).fill(0));
  let failures = 0;
  const startedAt = performance.now();
  const send = async (second: number) => {
    try {
      const { address } = JSON.parse(await contender.send()) as PodAnswer;
      table[second]![service.pods.addresses.indexOf(address)]!++;
    } catch {
      failures++;
    }
  };
  const pending: Promise<void>[] = [];
  for (let n = 0; n < seconds * RATE; n++) {
    const wait = startedAt + (n * 1_000) / RATE - performance.now();
    if (wait > 0) await delay(wait);
    if (n === SCALED_AT * RATE) service.scale(AFTER);
    if (tells && n % RATE === 0) progress(`scale-out: second ${n / RATE} of ${seconds}`);
    pending.push(send(Math.floor(n / RATE)));
  }
  await Promise.all(pending);
  await contender.close();
  service.stop();
  return { table, failures };
}

/** Whether the pods are evenly loaded over the next seconds. */
function isEven(rest: readonly number[][]): boolean {
  return rest.length >= WINDOW && jain(sum(rest.slice(0, WINDOW))) >= EVEN;
}

function sum(table: readonly number[][]): number[] {
  return Array.from({ length: AFTER }, (_, pod) => table.reduce((total, row) => total + row[pod]!, 0));
}

/** 1 when all are equal, 1/n when one has all. https://www.cs.wustl.edu/~jain/papers/ftp/fairness.pdf */
function jain(counts: readonly number[]): number {
  const total = counts.reduce((a, b) => a + b, 0);
  return total ** 2 / (counts.length * counts.reduce((a, b) => a + b ** 2, 0));
}
