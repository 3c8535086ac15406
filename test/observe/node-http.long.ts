import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { certificateFor } from '../support/certificate.ts';
import { nextAddress, startPod, startPods } from '../support/pods.ts';
import { observe } from './observing.ts';

/** Has requests of node:http sent, one after the other. `options` is what each has, as code. */
function sending(count: number, options = '{}'): string {
  return `
    const http = await import('node:http');
    const send = (to = url, options = ${options}) =>
      new Promise((resolve, reject) => {
        http.get(to, options, (response) => response.resume().on('end', resolve)).on('error', reject);
      });
    for (let i = 0; i < ${count}; i++) await send();`;
}

describe('what is observed of node:http', { concurrency: 3 }, () => {
  test('requests are counted by pod, and it says what evenkeel would do', async (t) => {
    const pods = await startPods(t, 3);
    const addresses = pods.map(({ address }) => address);
    const { port } = pods[0]!;
    // Two at a time, on two connections, which lead to the first two pods.
    const work = `${sending(0)}
      for (let i = 0; i < 6; i++) await Promise.all([send(), send()]);`;
    const world = { addresses: addresses.slice(0, 2), known: addresses, port };
    const { reports, stderr } = await observe(t, work, world);
    const [report, ...others] = reports[0]!.origins;
    assert.deepEqual(others, []);
    assert.deepEqual(
      [report?.client, report?.origin, report?.requests],
      ['node:http', `http://orders.prod:${port}`, 12],
    );
    for (const pod of pods) {
      const row = report?.addresses.find(({ address }) => address === `${pod.address}:${port}`);
      assert.equal(row?.requests, pod.requests);
    }
    const squares = pods.reduce((sum, { requests }) => sum + requests ** 2, 0);
    assert.ok(Math.abs(report!.fairness! - 12 ** 2 / (3 * squares)) < 1e-9);
    assert.equal(reports[0]!.nodeHttp, 0);
    assert.match(stderr, /^ {2}http:\/\/orders\.prod:\d+ \(node:http\): 12 requests, \d connections? open/m);
    assert.match(stderr, /→ evenkeel would choose one of 3 pods for each request, which makes about 4 each/);
  });

  test('behind one address, connections say how many pods can have had requests', async (t) => {
    const pod = await startPod(t);
    const known = [nextAddress(), nextAddress(), nextAddress()];
    const world = { addresses: [pod.address], known, port: pod.port };
    const { reports, stderr } = await observe(t, sending(5), world);
    assert.deepEqual(reports[0]!.origins[0]?.addresses, [
      { address: `${pod.address}:${pod.port}`, requests: 5, connections: 1 },
    ]);
    assert.match(stderr, /→ 3 pods are behind this address, and one connection reached one;/);
  });

  test('an origin that fetch calls too is told for each of the two', async (t) => {
    const pod = await startPod(t);
    const world = { addresses: [pod.address], known: [pod.address], port: pod.port };
    const { reports, stderr } = await observe(t, `${sending(2)} await get();`, world);
    const rows = reports[0]!.origins.map(({ client, requests }) => [client, requests]);
    assert.deepEqual(rows.toSorted(), [
      ['node:http', 2],
      ['undici', 1],
    ]);
    assert.match(stderr, /^ {2}http:\/\/orders\.prod:\d+: 1 request,/m);
  });

  test('what went over TLS is counted once the pod is known, and under https', async (t) => {
    const server = createServer(certificateFor('DNS:orders.prod'), (_request, response) => response.end());
    const address = nextAddress();
    await new Promise<void>((resolve) => server.listen(0, address, resolve));
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const work = `
      process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
      const https = await import('node:https');
      for (let i = 0; i < 3; i++) {
        await new Promise((resolve, reject) => {
          https.get(url.replace('http:', 'https:'), (response) => response.resume().on('end', resolve)).on('error', reject);
        });
      }`;
    const world = { addresses: [address], known: [address], port };
    const { reports } = await observe(t, work, world);
    const [report] = reports[0]!.origins;
    assert.deepEqual([report?.origin, report?.requests], [`https://orders.prod:${port}`, 3]);
    assert.deepEqual(report?.addresses, [{ address: `${address}:${port}`, requests: 3, connections: 1 }]);
  });

  for (const [what, options] of [
    ['no agent', '{ agent: false }'],
    ['an agent that keeps no connections', '{ agent: new http.Agent() }'],
    [
      'an agent with a hook of its own',
      '{ agent: Object.assign(new http.Agent({ keepAlive: true }), { createConnection: (options) => net.connect({ port: options.port, host: addresses[0] }) }) }',
    ],
    [
      'an agent that looks names up by itself',
      '{ agent: new http.Agent({ keepAlive: true, lookup: dns.lookup }) }',
    ],
  ] as const) {
    test(`it doesn't promise what evenkeel wouldn't do: requests with ${what}`, async (t) => {
      const pod = await startPod(t);
      const work = `const net = await import('node:net'); ${sending(3, options)}`;
      const world = { addresses: [pod.address], known: [pod.address], port: pod.port };
      const { reports, stderr } = await observe(t, work, world);
      assert.deepEqual([reports[0]!.origins, reports[0]!.nodeHttp], [[], 3]);
      assert.match(stderr, /3 requests of node:http, which evenkeel would leave to their agents/);
    });
  }

  test('with http: false, or where hosts leaves them out, they are left alone', async (t) => {
    const pod = await startPod(t);
    for (const env of [{ EVENKEEL_HTTP: 'false' }, { EVENKEEL_HOSTS: '!orders.prod' }]) {
      const world = { addresses: [pod.address], known: [pod.address], port: pod.port, env };
      const { reports } = await observe(t, sending(2), world);
      assert.deepEqual([reports[0]!.origins, reports[0]!.foreign], [[], { origins: 1, requests: 2 }]);
    }
  });

  test('a global dispatcher that keeps the requests of fetch keeps none of node:http', async (t) => {
    const pod = await startPod(t);
    const work = `
      const { Agent, RetryAgent, setGlobalDispatcher } = await import('${import.meta.resolve('undici')}');
      setGlobalDispatcher(new RetryAgent(new Agent()));
      ${sending(2)}
      await get();`;
    const world = { addresses: [pod.address], known: [pod.address], port: pod.port };
    const { reports } = await observe(t, work, world);
    const [{ origins, foreign }] = reports as [(typeof reports)[number]];
    assert.deepEqual([origins.map(({ client }) => client), foreign.requests], [['node:http'], 1]);
  });

  test('what a BalancedHttpAgent balances that is passed by hand is not said to be unchanged', async (t) => {
    const pod = await startPod(t);
    const work = `
      const { BalancedHttpAgent } = await import('${import.meta.resolve('../../src/http.ts')}');
      const agent = new BalancedHttpAgent();
      ${sending(3, '{ agent }')}
      await agent.close();`;
    const world = { addresses: [], known: [pod.address], port: pod.port };
    const { reports } = await observe(t, work, world);
    assert.deepEqual([reports[0]!.origins, reports[0]!.balanced, reports[0]!.nodeHttp], [[], 3, 0]);
  });

  test('an agent that can not be looked at is no harm', async (t) => {
    const pod = await startPod(t);
    const work = `${sending(0)}
      const agent = new http.Agent({ keepAlive: true });
      Object.defineProperty(agent.options, 'lookup', { get: () => { throw new Error('not for you'); } });
      for (let i = 0; i < 2; i++) await send(url, { agent });
      await send();`;
    const world = { addresses: [pod.address], known: [pod.address], port: pod.port };
    const { reports } = await observe(t, work, world);
    assert.equal(reports[0]!.origins[0]?.requests, 1);
    assert.equal(pod.requests, 3);
  });

  test('requests that reach nobody, and upgrades, are no harm', async (t) => {
    const pod = await startPod(t);
    const gone = nextAddress();
    pod.respond = ({ url }, response) => {
      if (url === '/begun') response.writeProcessing();
      else response.end();
    };
    const work = `${sending(1)}
      await send('http://${gone}:1/').catch(() => {});
      await new Promise((resolve) => {
        const request = http.request(url, { path: '/begun' }).on('error', resolve).end();
        request.on('information', () => request.destroy());
      });`;
    const world = { addresses: [pod.address], known: [pod.address], port: pod.port };
    const { reports } = await observe(t, work, world);
    const rows = reports[0]!.origins.map(({ requests }) => requests);
    assert.deepEqual([rows, reports[0]!.foreign.requests], [[pod.requests], 0]);
  });
});
