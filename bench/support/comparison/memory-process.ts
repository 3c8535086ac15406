// A process that calls a Service one way, and tells what memory it has in the end.

import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { flatOut } from '../load.ts';
import { CONTENDERS } from './contenders.ts';
import type { ServiceView } from './service.ts';

export interface MemoryTask {
  readonly contender: string;
  readonly service: ServiceView;
  readonly requests: number;
  readonly concurrency: number;
}

const { contender: name, service, requests, concurrency } = JSON.parse(process.argv[2]!) as MemoryTask;
const contender = await CONTENDERS[name]!(service, { maxAge: 60_000, connections: concurrency });
await flatOut(contender.send, requests, concurrency);
await delay(500);
setFlagsFromString('--expose-gc');
(runInNewContext('gc') as () => void)();
await delay(100);
const { rss, heapUsed } = process.memoryUsage();
console.log(JSON.stringify({ rss, heapUsed }));
process.exit();
