import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ObserveReport } from '../../src/observe/report.ts';
import type { AddressTraffic } from '../../src/observe/traffic.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { startPods } from '../support/pods.ts';
import { run, testOnNode } from '../support/versions.ts';

export const REGISTER = import.meta.resolve('../../src/register.ts');

/** Code of an app that is observed, if it is to be: it waits until all is loaded for that. */
export const UNTIL_OBSERVED = `
  if (process.env.EVENKEEL_MODE === 'observe') {
    const { hasSubscribers } = await import('node:diagnostics_channel');
    while (!hasSubscribers('http.client.request.start')) await new Promise((resolve) => setImmediate(resolve));
  }`;

/**
 * An app whose system leads `orders.prod` to the addresses in `ADDRESSES`, by turns. It does `work`, and prints the reports
 * that it is given and the agent that is global, which is none of evenkeel's.
 */
function app(work: string): string {
  return `
    import { subscribe } from 'node:diagnostics_channel';
    import dns from 'node:dns';
    import { setTimeout } from 'node:timers/promises';
    const addresses = process.env.ADDRESSES.split(',');
    let turn = 0;
    dns.lookup = (name, options, callback) => {
      const address = addresses[turn++ % addresses.length];
      if (options.all) callback(null, [{ address, family: 4 }]);
      else callback(null, address, 4);
    };
    let reports = 0;
    subscribe('evenkeel:observe:report', (report) => {
      reports++;
      console.log(JSON.stringify({ report }));
    });
    process.on('exit', () => {
      const { agent } = globalThis[Symbol.for('undici.globalDispatcher.2')] ?? {};
      console.log(JSON.stringify({ installed: agent !== undefined }));
    });
    const url = process.env.URL;
    const get = async (path = '/') => (await fetch(url + path)).text();
    ${UNTIL_OBSERVED}
    ${work}
    await setTimeout(300);`;
}

interface Said {
  readonly report?: ObserveReport;
  readonly installed?: boolean;
  readonly grown?: number;
}

interface Observed {
  readonly said: readonly Said[];
  readonly reports: ObserveReport[];
  readonly installed: boolean;
  readonly stderr: string;
}

interface World {
  readonly addresses: readonly string[];
  readonly port: number;
  readonly known: readonly string[];
  readonly env?: Record<string, string>;
  readonly binary?: string;
}

/** Runs an app in a world where its system has some addresses for the name, and DNS has others. */
export async function observe(t: TestContext, work: string, world: World): Promise<Observed> {
  const dns = await startDnsServer(t);
  dns.set('orders.prod', world.known);
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-observe-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'app.mjs');
  writeFileSync(file, app(work));
  const { binary = process.execPath, env } = world;
  const ended = await run(binary, ['--import', REGISTER, file], {
    EVENKEEL_MODE: 'observe',
    EVENKEEL_DNS_SERVERS: dns.address,
    ADDRESSES: world.addresses.join(','),
    URL: `http://orders.prod:${world.port}`,
    ...env,
  });
  assert.equal(ended.code, 0, ended.stderr);
  const lines = ended.stdout.trim().split('\n');
  const said = lines.map((line) => JSON.parse(line) as Said);
  return {
    said,
    reports: said.flatMap(({ report }) => report ?? []),
    installed: said.some(({ installed }) => installed),
    stderr: ended.stderr,
  };
}

/** Tests that a release of Node.js has its traffic reported. */
export function testReport(major: number): void {
  testOnNode(
    major,
    `on Node ${major} it reports how even the traffic of fetch is, and installs nothing`,
    async (t, binary) => {
      const pods = await startPods(t, 3);
      const addresses = pods.map(({ address }) => address);
      // All connections lead to the first two pods.
      const work = 'for (let i = 0; i < 10; i++) await Promise.all([get(), get()]);';
      const world = { addresses: addresses.slice(0, 2), known: addresses, port: pods[0]!.port, binary };
      const { reports, installed, stderr } = await observe(t, work, world);
      assert.equal(installed, false);
      const [{ origins, foreign }] = reports as [ObserveReport];
      const [report] = origins;
      assert.equal(report?.requests, 20);
      assert.deepEqual(
        report.endpoints.toSorted(),
        pods.map(({ address, port }) => `${address}:${port}`).toSorted(),
      );
      for (const [index, { address, port, requests }] of pods.entries()) {
        const row: AddressTraffic | undefined = report.addresses.find(
          (one) => one.address === `${address}:${port}`,
        );
        assert.equal(row?.requests, requests, `pod ${index}`);
      }
      const jain = 20 ** 2 / (3 * pods.reduce((sum, { requests }) => sum + requests ** 2, 0));
      assert.ok(Math.abs(report.fairness! - jain) < 1e-9);
      assert.deepEqual(foreign, { origins: 0, requests: 0 });
      assert.match(stderr, /^evenkeel observed the last [\d.]+ s, and changed nothing:$/m);
      assert.match(stderr, /^ {2}http:\/\/orders\.prod:\d+: 20 requests, \d connections? open/m);
      assert.match(stderr, /^ {4}Jain's fairness 0\.\d\d, pods by dns$/m);
      assert.match(
        stderr,
        /→ evenkeel would choose one of 3 pods for each request, which makes about 7 each/,
      );
    },
  );
}
