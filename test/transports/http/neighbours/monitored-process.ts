// Sends requests that an agent of Datadog or New Relic watches, and prints what it tells of them.
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { prepare, type Way } from '../prepare.ts';
import { MONITORS, type Monitor } from './monitors.ts';
import { send } from './send.ts';

export interface Setting {
  readonly monitor: keyof typeof MONITORS;
  readonly way: Way;
  readonly first: 'monitor' | 'evenkeel';
  readonly origin: string;
}

const { monitor: name, way, first, origin }: Setting = JSON.parse(process.argv[2]!);
const load = createRequire(import.meta.url);
let monitor: Monitor | undefined;

if (first === 'monitor') monitor = MONITORS[name]!(load);
const makeAgent = await prepare(way, load, { retry: false });
monitor ??= MONITORS[name]!(load);
const http: typeof import('node:http') = load('node:http');
const { mark, within, told } = monitor;

for (const path of ['/', '/', '/404', '/reset', '/hang']) {
  for (const agent of [undefined, makeAgent()]) {
    if (agent === undefined && way === 'by hand') continue;
    await within(`parent of ${path}`, () => send(http, origin, path, agent, mark));
  }
}
await delay(300);
const result = JSON.stringify(told());
process.stdout.write(result, () => process.exit());
