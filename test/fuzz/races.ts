// Requests that one client alone lost in a race with the end of a connection, in words: which connection each client chose.
import { subscribe } from 'node:diagnostics_channel';
import type { Wire } from './ledger.ts';
import type { Play } from './play.ts';
import { type Call, isRepeatable, type Scenario } from './scenario.ts';

/** A request that one client lost, and the other one had served. */
export interface Race {
  readonly call: Call;
  readonly lostBy: 'stock' | 'ours';
}

/** Milliseconds for which the last attempt of a call waited for a connection of ours, by port and path. */
const waits = new Map<string, number>();

/** From now on, what races are told as says how long requests waited for a connection. That costs their calls time. */
export function watchWaits(): void {
  subscribe('evenkeel:request:start', (message) => {
    const { origin, path, waited } = message as { origin: string; path: string; waited: number };
    waits.set(`${new URL(origin).port}${path}`, waited);
  });
}

/** What a race is told as: the last connection that each client wrote the request on, and what came before that. */
export function tellRace(scenario: Scenario, { call, lostBy }: Race, stock: Play, ours: Play): string {
  const { transport, protocol, seed, server, pods } = scenario;
  const what = `${call.method} ${isRepeatable(call) ? 'repeatable' : 'once'}`;
  const idle = server.idleTimeout > 0 ? `, idle ones end after ${server.idleTimeout} ms` : '';
  return [
    `seed ${seed} (${transport ?? protocol}), call ${call.id}: lost by ${lostBy} alone, ${what}, ${pods} pods${idle}`,
    ...[stock, ours].map((play) => `  ${play.client.padEnd(5)}: ${tellPlay(play, call.id)}`),
    `         it waited for a connection for ${tellTime(waits.get(`${ours.port}/c${call.id}`) ?? -1)}`,
  ].join('\n');
}

function tellPlay({ ledger: { wires }, outcomes }: Play, call: number): string {
  const { startedAt, served, error } = outcomes.get(call)!;
  const ways = wires.flatMap((wire, n) =>
    wire.writes.flatMap((write, nth) => (write.call === call ? [tellWrite(wire, n, nth, startedAt)] : [])),
  );
  const end = served ? 'served' : error.slice(0, 60);
  return `${ways.join('; then ') || 'never written'}; ${end}`;
}

function tellWrite(wire: Wire, n: number, nth: number, startedAt: number): string {
  const { pod, openedAt, harmedAt, heardAt, harm, answers } = wire;
  const { at } = wire.writes[nth]!;
  const answeredAt = answers.findLast((answer) => answer <= at);
  const words = [
    `waited ${tellTime(at - startedAt)}`,
    `connection ${n} (pod ${pod})`,
    `use ${nth + 1} of ${wire.writes.length}`,
    `age ${tellTime(at - openedAt)}`,
    answeredAt !== undefined && `idle ${tellTime(at - answeredAt)}`,
    harmedAt !== undefined && `${harm} ${tellTime(harmedAt - at)} after`,
    heardAt !== undefined && `known ${tellTime(heardAt - at)} after`,
  ];
  return words.filter(Boolean).join(', ');
}

function tellTime(milliseconds: number): string {
  return `${milliseconds.toFixed(1)} ms`;
}
