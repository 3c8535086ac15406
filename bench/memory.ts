// What memory does a process take that calls a hundred pods?
//
// Each way in processes of their own, in turns, after the same requests; all of them compile TypeScript, which
// takes most of their RSS. A sidecar's own memory is not in it.

import { execFile } from 'node:child_process';
import { parseArgs, promisify } from 'node:util';
import { BY_NAME, CONTENDERS } from './support/comparison/contenders.ts';
import type { MemoryTask } from './support/comparison/memory-process.ts';
import { startService } from './support/comparison/service.ts';
import { progress, report } from './support/report.ts';
import { median } from './support/statistics.ts';

const PODS = 100;
const REQUESTS = 20_000;
const CONCURRENCY = 100;
const MB = 2 ** 20;

const { values: args } = parseArgs({
  options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '5' } },
});
const run = promisify(execFile);
const script = new URL('./support/comparison/memory-process.ts', import.meta.url).pathname;
const names = Object.keys(CONTENDERS).filter((name) => !name.endsWith('sidecar') && name !== BY_NAME);

const { port, addresses, dns } = await startService({ pods: PODS, ready: PODS, delay: 0 });
const view = { port, addresses, most: PODS, dns: { address: dns.address } };
const taken = new Map(names.map((name) => [name, { rss: [] as number[], heapUsed: [] as number[] }]));
for (let round = 0; round < Number(args.rounds); round++) {
  for (const contender of round % 2 === 0 ? names : names.toReversed()) {
    progress(`memory: round ${round + 1} of ${args.rounds}, ${contender}`);
    const task: MemoryTask = { contender, service: view, requests: REQUESTS, concurrency: CONCURRENCY };
    const { stdout } = await run(process.execPath, [script, JSON.stringify(task)]);
    const { rss, heapUsed } = JSON.parse(stdout) as { rss: number; heapUsed: number };
    taken.get(contender)!.rss.push(rss / MB);
    taken.get(contender)!.heapUsed.push(heapUsed / MB);
  }
}
for (const [name, { rss, heapUsed }] of taken) {
  report({
    bench: 'memory',
    case: name,
    value: median(heapUsed),
    text: `${median(rss).toFixed(1)} MB RSS, ${median(heapUsed).toFixed(1)} MB heap, ${PODS} pods at concurrency ${CONCURRENCY}`,
    detail: { rss: median(rss), heapUsed: median(heapUsed) },
  });
}
process.exit();
