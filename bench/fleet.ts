// What does a scale-out look like from the pods, when a hundred clients call them for an hour and an autoscaler decides?
//
// In virtual time: see test/simulation. The load of ten pods becomes that of forty within twenty minutes.

import { type FleetFound, playFleet, type Way } from '../test/simulation/fleet/fleet.ts';
import { inMacrotask } from '../test/simulation/microtasks.ts';
import { progress, report } from './support/report.ts';

const CLIENTS = 100;
const MINUTES = 60;
const PODS = { least: 10, most: 40 };
/** Requests a second that ten pods, and forty, have at the autoscaler's target. */
const BEFORE = 98;
const AFTER = 405;
const RAMP_FROM = 5;
const RAMP_TO = 25;
/** Seconds of CPU time that an hour may take. */
const BAR = 60;

const WAYS: readonly Way[] = [
  { name: 'undici → ClusterIP', client: 'stock' },
  { name: 'evenkeel → ClusterIP, spread 8', client: 'evenkeel', sight: 'ClusterIP', options: { spread: 8 } },
  {
    name: 'evenkeel → ClusterIP, spread 32',
    client: 'evenkeel',
    sight: 'ClusterIP',
    options: { spread: 32 },
  },
  { name: 'evenkeel → ClusterIP', client: 'evenkeel', sight: 'ClusterIP' },
  { name: 'evenkeel → headless', client: 'evenkeel', sight: 'headless' },
  { name: 'evenkeel → EndpointSlices', client: 'evenkeel', sight: 'EndpointSlices' },
];

function rate(minute: number): number {
  const part = Math.min(1, Math.max(0, (minute - RAMP_FROM) / (RAMP_TO - RAMP_FROM)));
  return BEFORE + part * (AFTER - BEFORE);
}

for (const way of WAYS) {
  progress(way.name);
  const before = process.cpuUsage();
  const found = await inMacrotask(() =>
    playFleet({ way, clients: CLIENTS, minutes: MINUTES, pods: PODS, rate }),
  );
  const { user, system } = process.cpuUsage(before);
  const value = Math.round((user + system) / 100_000) / 10;
  const bar = { atMost: BAR };
  report({
    bench: 'fleet',
    case: way.name,
    value,
    bar,
    text: inWords(found, value),
    detail: detailOf(found),
  });
}
process.exit();

function inWords({ looks, requests, failed, p99, evenAfter }: FleetFound, seconds: number): string {
  const pods = looks.at(-1)!.utilisations.length;
  const even = Number.isFinite(evenAfter)
    ? `even ${Math.round(evenAfter)} s after the last of them`
    : 'never even';
  return `${pods} pods, ${even}; p99 ${Math.round(p99)} ms, ${failed} of ${requests} failed; an hour in ${seconds} s of CPU time`;
}

function detailOf({ looks, requests, failed, p99, evenAfter }: FleetFound): Record<string, unknown> {
  const percent = (value: number) => Math.round(value * 100);
  return {
    requests,
    failed,
    p99: Math.round(p99),
    evenAfter: Number.isFinite(evenAfter) ? Math.round(evenAfter) : null,
    pods: looks.at(-1)!.utilisations.length,
    // One for each minute.
    looks: looks
      .filter((_, n) => n % 4 === 0)
      .map(({ at, utilisations, mean, desired }) => ({
        minute: Math.round(at / 6) / 10,
        mean: percent(mean),
        desired,
        utilisations: utilisations.map(percent),
      })),
  };
}
