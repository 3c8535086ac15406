import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median } from '../../bench/support/statistics.ts';
import { assertMeasured } from './bed/bars.ts';
import { type BedClient, startBed } from './bed/bed.ts';
import type { DispatcherName } from './bed/clients-process.ts';
import type { LoadReport } from './bed/load-client.ts';

const ROUNDS = 5;
/** Of those that are there for contrast only. */
const CONTRAST_ROUNDS = 2;
/** Of each contestant in each round, after `WARM_UP`. */
const SECONDS = 6;
const WARM_UP = 1;
const RATE = 200;
/** Fewer than there are connections in rotation, so that only a rotation can make a request wait on a dial. */
const AT_ONCE = 4;

interface Contestant {
  readonly dispatcher: DispatcherName;
  readonly options: object;
  readonly rounds: number;
}

const CONTESTANTS = {
  rotating: { dispatcher: 'evenkeel', options: { maxConnectionDuration: '1s' }, rounds: ROUNDS },
  uncapped: { dispatcher: 'evenkeel', options: { maxConnectionDuration: 0 }, rounds: ROUNDS },
  // For contrast: the old connection goes first, and a request may have to dial the new one.
  breakBeforeMake: {
    dispatcher: 'break-before-make',
    options: { maxConnectionDuration: '1s' },
    rounds: CONTRAST_ROUNDS,
  },
  undici: { dispatcher: 'undici', options: { clientTtl: 1_000 }, rounds: CONTRAST_ROUNDS },
} satisfies Record<string, Contestant>;

type Reports = Record<keyof typeof CONTESTANTS, LoadReport[]>;

test('connections over TLS rotate every second, at no cost to requests', async (t) => {
  const bed = await startBed(t, { pods: 3, protocol: 'https' });
  const clients: [keyof Reports, BedClient][] = [];
  for (const [name, { dispatcher, options }] of Object.entries(CONTESTANTS)) {
    clients.push([name as keyof Reports, await bed.startClient(dispatcher, options)]);
  }
  const reports: Reports = { rotating: [], uncapped: [], breakBeforeMake: [], undici: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, client] of clients) {
      if (round >= CONTESTANTS[name].rounds) continue;
      await client.steady(RATE, WARM_UP, AT_ONCE);
      reports[name].push(await client.steady(RATE, SECONDS, AT_ONCE));
    }
  }
  const ratio = median(reports.rotating.map(({ p99 }, round) => p99 / reports.uncapped[round]!.p99));
  for (const [name, rounds] of Object.entries(reports)) t.diagnostic(`${name}: ${inWords(rounds)}`);
  t.diagnostic(`p99, rotating to uncapped: ${ratio.toFixed(2)} (median of ${ROUNDS} rounds)`);
  for (const { failures } of [...reports.rotating, ...reports.uncapped]) assert.deepEqual(failures, {});
  const waited = sum(reports.rotating, 'waited');
  assertMeasured(t, waited === 0, `${waited} requests waited on a dial`);
  assertMeasured(t, ratio <= 1.5, `p99 × ${ratio}`);
});

function inWords(rounds: readonly LoadReport[]): string {
  const p99 = median(rounds.map((round) => round.p99)).toFixed(1);
  return `${sum(rounds, 'waited')} of ${sum(rounds, 'requests')} requests waited on a dial, p99 ${p99} ms`;
}

function sum(rounds: readonly LoadReport[], what: 'requests' | 'waited'): number {
  return rounds.reduce((total, round) => total + round[what], 0);
}
