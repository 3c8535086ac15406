// What does it cost a process to see pods, over asking DNS: until its first response, and in memory?
//
// Each way in fresh processes, in turns, from bundled code. The servers are in this process, on loopback.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { build } from 'esbuild';
import { podAt, serviceNamed, sliceOf } from '../test/support/api-objects.ts';
import { ApiServer } from '../test/support/api-server.ts';
import { startDnsServer } from '../test/support/dns-server.ts';
import { atExit } from './support/at-exit.ts';
import type { Outcome, Task } from './support/first-response.ts';
import { loopbackAddresses } from './support/loopback.ts';
import { progress, report } from './support/report.ts';
import { median } from './support/statistics.ts';

const { values: args } = parseArgs({
  options: { json: { type: 'boolean' }, runs: { type: 'string', default: '15' } },
});
const run = promisify(execFile);

// Beside node_modules, which the code that is not bundled comes from.
const folder = mkdtempSync(join(import.meta.dirname, '.kubernetes-start-'));
atExit(() => rmSync(folder, { recursive: true, force: true }));
await build({
  entryPoints: [join(import.meta.dirname, 'support', 'first-response.ts')],
  outdir: folder,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  packages: 'external',
});

const [clusterIP = '', pod = ''] = loopbackAddresses(2);
const server = createServer((_request, response) => response.end('here')).listen(0, '0.0.0.0');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
const dns = await startDnsServer({ after: atExit as never });
dns.set('orders.prod.svc.cluster.local', [clusterIP]);
const api = new ApiServer();
await api.start();
const ports = [{ port, protocol: 'TCP' }];
api.store.putService('prod', serviceNamed('orders', { clusterIP, ports }));
api.store.putSlice('prod', sliceOf('orders', 'a', [podAt(pod)], { ports: { '': port } }));
const resolvConf = join(folder, 'resolv.conf');
writeFileSync(resolvConf, 'search prod.svc.cluster.local svc.cluster.local cluster.local\n');

const task = {
  origin: `http://orders.prod.svc.cluster.local:${port}`,
  dnsServer: dns.address,
  place: { apiHost: api.host, apiPort: String(api.port), serviceAccount: api.serviceAccount, resolvConf },
};
const ways = ['dns', 'auto'] as const;
const outcomes: Record<(typeof ways)[number], Outcome[]> = { dns: [], auto: [] };
// The first ones fill the caches of the disk.
for (const way of ways) await measure({ ...task, discovery: way });
for (let round = 0; round < Number(args.runs); round++) {
  progress(`kubernetes-start: round ${round + 1} of ${args.runs}`);
  for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
    outcomes[way].push(await measure({ ...task, discovery: way }));
  }
}
if (outcomes.auto.some(({ source }) => source !== 'endpointslices')) throw new Error('pods were not seen');
compare('first response', 'response', 1, 'ms', 30);
compare('memory', 'rss', 2 ** 20, 'MB', 5);
process.exit();

async function measure(task: Task): Promise<Outcome> {
  const { stdout } = await run(process.execPath, [join(folder, 'first-response.mjs'), JSON.stringify(task)]);
  return JSON.parse(stdout) as Outcome;
}

function compare(title: string, what: 'response' | 'rss', unit: number, name: string, atMost: number): void {
  const [before, after] = ways.map((way) => median(outcomes[way].map((outcome) => outcome[what])) / unit);
  const more = (after ?? 0) - (before ?? 0);
  report({
    bench: 'kubernetes-start',
    case: title,
    value: Math.round(more * 10) / 10,
    bar: { atMost },
    text: `${more.toFixed(1)} ${name} more: ${after?.toFixed(1)} where pods are seen, ${before?.toFixed(1)} with DNS alone`,
    detail: { before, after },
  });
}
