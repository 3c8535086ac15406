// Sends requests with each client at once, one after the other, until it is told to stop.
import { subscribe } from 'node:diagnostics_channel';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { startStopwatch } from '../../../support/stopwatch.ts';
import { prepare } from '../prepare.ts';
import { ADAPTERS } from './adapters.ts';

export interface Setting {
  readonly way: 'preloaded' | 'by hand';
  readonly origin: string;
  readonly clients: readonly string[];
  /** How many there are in the end. */
  readonly pods: number;
}

export interface Result {
  readonly failures: readonly string[];
  /** Milliseconds since 1970 at which all pods were known. */
  readonly knownAt: number;
  /** Milliseconds for which this process has run since it was told that there are more. */
  readonly ran: number;
}

/** Milliseconds from the end of a request to the next one of the same client. */
const GAP = 5;

const { way, origin, clients, pods }: Setting = JSON.parse(process.argv[2]!);
let knownAt = 0;
subscribe('evenkeel:discovery:update', (message) => {
  const { endpoints } = message as { endpoints: readonly unknown[] };
  if (endpoints.length === pods) knownAt ||= performance.timeOrigin + performance.now();
});
const makeAgent = await prepare(way, createRequire(import.meta.url));
const running = startStopwatch();
let from = 0;
let ran = 0;
let stopped = false;
process.on('message', (word: 'scaled' | 'stop') => {
  if (word === 'scaled') {
    from = running();
  } else {
    ran = running() - from;
    stopped = true;
  }
});
const outcomes = await Promise.all(clients.map(sendOn));
const result: Result = { failures: outcomes.flat(), knownAt, ran };
process.send!(result);
process.disconnect();

/** @returns what was no success */
async function sendOn(name: string): Promise<string[]> {
  const send = ADAPTERS[name]!.client(makeAgent());
  const failures: string[] = [];
  for (; !stopped; await delay(GAP)) {
    const outcome = await send(`${origin}/${encodeURIComponent(name)}`, { method: 'GET' }).catch(String);
    if (!outcome.startsWith('200 ')) failures.push(`${name}: ${outcome}`);
  }
  return failures;
}
