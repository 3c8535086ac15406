import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import type { ObserveReport } from '../../src/observe/report.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { nextAddress, startPod } from '../support/pods.ts';
import { run } from '../support/versions.ts';
import { observe, REGISTER, UNTIL_OBSERVED } from './observing.ts';

describe('what is observed, at the edges', { concurrency: 3 }, () => {
  test('behind one address, connections say how many pods can have had requests', async (t) => {
    const port = (await startPod(t, { address: nextAddress() })).port;
    const proxy = await startPod(t, { port });
    const known = [nextAddress(), nextAddress(), nextAddress()];
    const work = 'for (let i = 0; i < 12; i++) await get();';
    const { reports, stderr } = await observe(t, work, { addresses: [proxy.address], known, port });
    const [report] = reports[0]!.origins;
    assert.equal(report?.fairness, undefined);
    assert.deepEqual(
      report?.addresses.map(({ requests }) => requests),
      [12],
    );
    assert.match(
      stderr,
      /3 pods are behind this address, and (one connection reached one|2 connections reached 2 at most);/,
    );
  });

  test('requests that evenkeel would leave alone, and those whose agents have their own way, are counted apart', async (t) => {
    const pod = await startPod(t);
    const work = `
      await get();
      const { get: httpGet } = await import('node:http');
      const options = { agent: false };
      await new Promise((resolve) => httpGet(url, options, (response) => response.resume().on('end', resolve)));`;
    const world = { addresses: [pod.address], known: [pod.address], port: pod.port };
    const { reports, stderr } = await observe(t, work, { ...world, env: { EVENKEEL_HOSTS: '!orders.prod' } });
    assert.deepEqual(reports[0]!.foreign, { origins: 1, requests: 1 });
    assert.equal(reports[0]!.nodeHttp, 1);
    assert.match(stderr, /1 request to 1 other origin, which evenkeel would leave alone/);
    assert.match(stderr, /1 request of node:http, which evenkeel would leave to their agents/);
  });

  test('a short command that sends nothing says nothing', async (t) => {
    const { reports, stderr } = await observe(t, '', { addresses: [], known: [], port: 80 });
    assert.deepEqual([reports, stderr], [[], '']);
  });

  test('it reports at intervals, each time what came since', async (t) => {
    const pod = await startPod(t);
    const work = `
      const until = async (count) => { while (reports < count) await setTimeout(10); };
      await get();
      await until(1);
      await get();
      await get();
      await until(2);`;
    const world = { addresses: [pod.address], known: [pod.address], port: pod.port };
    const { reports } = await observe(t, work, { ...world, env: { EVENKEEL_OBSERVE_INTERVAL: '1s' } });
    const counts = reports.map(({ origins }) => origins[0]?.requests ?? 0);
    assert.equal(
      counts.reduce((sum, count) => sum + count),
      3,
    );
    assert.ok(counts.length >= 2);
  });

  test('where one address is all there is to see, it says what rotation would do', async (t) => {
    const pod = await startPod(t);
    const world = { addresses: [pod.address], known: [pod.address], port: pod.port };
    const { stderr } = await observe(t, 'await get();', world);
    assert.match(stderr, /1 request, 1 connection open/);
    assert.match(stderr, /→ evenkeel can see only one address: it would use up to 32 connections/);
  });

  test('what an agent balances that is passed by hand is not said to be unchanged', async (t) => {
    const pod = await startPod(t);
    const work = `
      const { BalancedAgent } = await import('${import.meta.resolve('../../src/index.ts')}');
      const agent = new BalancedAgent();
      for (let i = 0; i < 3; i++) await (await fetch(url, { dispatcher: agent })).text();
      await agent.close();`;
    const world = { addresses: [], known: [pod.address], port: pod.port };
    const { reports, stderr } = await observe(t, work, world);
    assert.deepEqual([reports[0]!.origins, reports[0]!.balanced], [[], 3]);
    assert.match(
      stderr,
      /changed nothing else:\n {2}3 requests that evenkeel balanced, through agents that the code passes\n/,
    );
  });

  test('an app without requests is told that no traffic was seen', async (t) => {
    const work = 'while (reports < 1) await setTimeout(10);';
    const env = { EVENKEEL_OBSERVE_INTERVAL: '300ms' };
    const { reports, stderr } = await observe(t, work, { addresses: [], known: [], port: 80, env });
    assert.deepEqual(reports[0]?.origins, []);
    assert.match(stderr, /^evenkeel observed the last [\d.]+ s of process \d+: no traffic seen$/m);
  });

  test('a name that can not be looked up now is not taken for one to leave alone', async (t) => {
    const pod = await startPod(t);
    const silent = await startDnsServer(t);
    silent.misbehave('*', { rcode: 'SERVFAIL' });
    const world = { addresses: [pod.address], known: [], port: pod.port };
    const env = { EVENKEEL_DNS_SERVERS: silent.address };
    const { reports, stderr } = await observe(t, 'await get();', { ...world, env });
    assert.deepEqual(reports[0]!.foreign, { origins: 0, requests: 0 });
    assert.match(stderr, /→ evenkeel can't find it: .*ESERVFAIL/);
  });

  test('each copy of undici is observed', async (t) => {
    const pod = await startPod(t);
    const work = ['undici', 'undici6', 'undici7']
      .map(
        (name) => `const { request: of_${name} } = await import('${import.meta.resolve(name)}');
        await (await of_${name}(url)).body.text();`,
      )
      .join('\n');
    const world = { addresses: [pod.address], known: [pod.address], port: pod.port };
    const { reports } = await observe(t, work, world);
    assert.equal(reports[0]!.origins[0]!.requests, 3);
    assert.equal(pod.requests, 3);
  });

  test('what else is published on the channels of undici is no harm', async (t) => {
    const pod = await startPod(t);
    const work = `
      const { channel } = await import('node:diagnostics_channel');
      for (const name of ['undici:client:connected', 'undici:client:sendHeaders', 'http.client.request.start']) {
        for (const message of [undefined, {}, { request: {}, socket: {} }]) channel(name).publish(message);
      }
      await get();`;
    const world = { addresses: [pod.address], known: [pod.address], port: pod.port };
    const { reports, stderr } = await observe(t, work, world);
    assert.equal(reports[0]!.origins[0]!.requests, 1);
    assert.match(stderr, /^evenkeel observed/);
  });

  test('name servers that say nothing hold no process', async (t) => {
    const pod = await startPod(t);
    const silent = await startDnsServer(t);
    silent.misbehave('*', 'silent');
    const world = { addresses: [pod.address], known: [], port: pod.port };
    const { stderr } = await observe(t, 'await get();', {
      ...world,
      env: { EVENKEEL_DNS_SERVERS: silent.address },
    });
    // By themselves, its questions would time out, and the report would say so.
    assert.match(stderr, /→ there was no time to find out/);
  });

  test('a stderr that nobody reads any more does not end the app', async (t) => {
    const pod = await startPod(t);
    const work = `process.stdout.write('begun');
      for (let i = 0; i < 10; i++) {
        await (await fetch('http://${pod.address}:${pod.port}/')).text();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      process.stdout.write(' ended');`;
    const child = spawn(process.execPath, ['--import', REGISTER, '--input-type=module', '-e', work], {
      env: { ...process.env, EVENKEEL_MODE: 'observe', EVENKEEL_OBSERVE_INTERVAL: '100ms' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stderr.destroy();
    const [[code], text] = await Promise.all([
      once(child, 'close'),
      child.stdout.setEncoding('utf8').toArray(),
    ]);
    assert.deepEqual([code, text.join('')], [0, 'begun ended']);
  });

  test('what a process comes to that exits or throws is reported', async (t) => {
    const pod = await startPod(t);
    for (const [end, expected] of [
      ['process.exit(3)', 3],
      ['throw new Error("of the app")', 1],
    ] as const) {
      const work = `${UNTIL_OBSERVED}
        await (await fetch('http://${pod.address}:${pod.port}/')).text(); ${end};`;
      const args = ['--import', REGISTER, '--input-type=module', '-e', work];
      const { code, stderr } = await run(process.execPath, args, { EVENKEEL_MODE: 'observe' });
      assert.equal(code, expected);
      assert.match(stderr, /^evenkeel observed .*\n {2}http.*: 1 request,/m);
    }
  });

  test('aborts, errors, redirects and connections that are used again are counted as they were sent', async (t) => {
    const pod = await startPod(t);
    const gone = nextAddress();
    pod.respond = ({ url }, response) => {
      if (url === '/moved') response.writeHead(302, { location: '/' });
      if (url === '/broken') response.socket?.destroy();
      response.end();
    };
    const work = `
      await get();
      await get('/moved');
      await get('/broken').catch(() => {});
      const controller = new AbortController();
      subscribe('undici:client:sendHeaders', ({ request }) => {
        if (request.path === '/slow') setTimeout(100).then(() => controller.abort());
      });
      await fetch(url + '/slow', { signal: controller.signal }).catch(() => {});
      await fetch(url, { signal: AbortSignal.abort() }).catch(() => {});
      await fetch('http://${gone}:1/').catch(() => {});
      await get();`;
    const world = { addresses: [pod.address], known: [pod.address], port: pod.port };
    const { reports } = await observe(t, work, world);
    const { origins, foreign } = reports[0]!;
    const [{ requests, connections, addresses }] = origins as [ObserveReport['origins'][number]];
    assert.deepEqual([origins.length, requests, foreign.requests], [1, pod.requests, 0]);
    assert.equal(requests, 6);
    assert.equal(connections.used, pod.connections.filter(({ requests }) => requests > 0).length);
    assert.deepEqual(addresses, [{ address: `${pod.address}:${pod.port}`, requests: 6, connections: 1 }]);
  });

  test('ten thousand origins take no more memory than some, and what goes uncounted is told', async (t) => {
    const pod = await startPod(t);
    const work = `
      const { channel } = await import('node:diagnostics_channel');
      const { EventEmitter } = await import('node:events');
      const sent = channel('undici:client:sendHeaders');
      await get();
      const before = process.memoryUsage().heapUsed;
      for (let i = 0; i < 10_000; i++) {
        const socket = Object.assign(new EventEmitter(), { remoteAddress: '127.0.0.1', remotePort: 80 });
        sent.publish({ request: { origin: 'http://127.0.0.1:' + (1 + i) }, headers: '', socket });
      }
      await setTimeout(100);
      globalThis.gc();
      console.log(JSON.stringify({ grown: process.memoryUsage().heapUsed - before }));`;
    const world = { addresses: [pod.address], known: [pod.address], port: pod.port };
    const env = { NODE_OPTIONS: '--expose-gc' };
    const { reports, stderr, said } = await observe(t, work, { ...world, env });
    const [{ origins, unwatched }] = reports as [ObserveReport];
    assert.equal(origins.length, 256);
    assert.equal(unwatched, 10_001 - 256);
    assert.match(stderr, /9745 requests to more origins than are watched at a time/);
    const grown = said.find((one) => 'grown' in one)?.grown ?? Number.POSITIVE_INFINITY;
    assert.ok(grown < 8_000_000, `${grown} bytes`);
  });

  test('a format that there is not is warned of, and reports are for people', async (t) => {
    const pod = await startPod(t);
    const world = { addresses: [pod.address], known: [pod.address], port: pod.port };
    const { stderr } = await observe(t, 'await get();', {
      ...world,
      env: { EVENKEEL_OBSERVE_FORMAT: 'jsno' },
    });
    assert.match(stderr, /EVENKEEL_OBSERVE_FORMAT must be 'text' or 'json', got 'jsno'; evenkeel ignores it/);
    assert.match(stderr, /^evenkeel observed the last/m);
  });

  test('a mode that there is not is warned of, and nothing is installed', async (t) => {
    const world = { addresses: [], known: [], port: 80, env: { EVENKEEL_MODE: 'observ' } };
    const { installed, stderr } = await observe(t, '', world);
    assert.equal(installed, false);
    assert.match(
      stderr,
      /EVENKEEL_MODE must be 'observe', got 'observ'; evenkeel leaves everything as it was/,
    );
  });
});
