// A process that sends requests, and tells how long the first took and what memory it has when all is quiet.

import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { resolveSettings } from '../../src/config/resolve-settings.ts';
import { type Place, thisPlace } from '../../src/core/discovery/kubernetes/place.ts';
import { resolverFor } from '../../src/transports/resolver-for.ts';
import { BalancedAgent } from '../../src/transports/undici/agent.ts';

export interface Task {
  readonly discovery: 'dns' | 'auto';
  readonly origin: string;
  readonly dnsServer: string;
  readonly place: Partial<Place>;
}

export interface Outcome {
  /** Milliseconds. */
  readonly response: number;
  /** Bytes. */
  readonly rss: number;
  readonly source: string | undefined;
}

// Longer than it takes to see the pods.
const QUIET_AFTER = 2_500;

const task = JSON.parse(process.argv[2] ?? '') as Task;
const start = performance.now();
const settings = resolveSettings({ discovery: task.discovery, dns: { servers: [task.dnsServer] } }, {});
const resolver = resolverFor(settings, { ...thisPlace({}), ...task.place });
const agent = new BalancedAgent({ discovery: resolver });
await send();
const response = performance.now() - start;

// undici itself takes megabytes for its first requests, whatever they are.
for (let i = 0; i < 20; i++) await send();
await delay(QUIET_AFTER);
await send();
const source = agent.stats[task.origin]?.discovery?.source;
setFlagsFromString('--expose-gc');
(runInNewContext('gc') as () => void)();
await delay(100);
console.log(JSON.stringify({ response, rss: process.memoryUsage.rss(), source } satisfies Outcome));
await agent.close();

async function send(): Promise<void> {
  const { body } = await agent.request({ origin: task.origin, path: '/', method: 'GET' });
  await body.dump();
}
