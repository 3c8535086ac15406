import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Question, Story } from '../../src/cli/explain/story.ts';
import { tell } from '../../src/cli/explain/tell.ts';
import { explain } from '../../src/cli/explain.ts';
import { Trace } from '../../src/core/discovery/trace.ts';
import type { EndpointStats } from '../../src/telemetry/stats.ts';
import type { Pod } from '../support/pods.ts';
import { NAME, startCluster } from './setup.ts';

type Cluster = Awaited<ReturnType<typeof startCluster>>;

async function explained({ place, port, dns }: Cluster, name: string, ...args: string[]) {
  let text = '';
  const code = await explain([`http://${name}:${port}/orders?token=cAnArY`, ...args], {
    output: { write: (part) => (text += part) },
    env: { EVENKEEL_DNS_SERVERS: dns.address },
    place,
  });
  assert.ok(!text.includes('cAnArY'), text);
  return { code, text };
}

/** The line of a pod among the candidates. */
function lineOf(text: string, { address, port }: Pod): string {
  return (
    text
      .split('\n')
      .find((line) => line.includes(`${address}:${port} `) && !line.includes(' ms '))
      ?.trim() ?? ''
  );
}

async function cluster(t: TestContext, pods = 3) {
  return startCluster(t, { pods, headless: true });
}

test('all is well: the story names the pod, and why it was chosen', async (t) => {
  const it = await cluster(t);
  const { code, text } = await explained(it, NAME);
  assert.equal(code, 0);
  assert.match(text, /^GET http:\/\/orders\.prod\.svc\.cluster\.local:\d+\/orders: 200, \d+ bytes$/m);
  assert.match(text, new RegExp(`^Name {8}${NAME}$`, 'm'));
  assert.match(text, /^Candidates {2}3 by /m);
  const [, chosen] = /^Choice {6}(\S+): the first that was connected$/m.exec(text) ?? assert.fail(text);
  assert.ok(it.pods.some(({ address, port }) => chosen === `${address}:${port}`));
  assert.match(text, new RegExp(`ms {2}connected to ${chosen} \\(h1\\)$`, 'm'));
  assert.match(text, new RegExp(`ms {2}GET /orders goes to ${chosen}, waited [\\d.]+ ms$`, 'm'));
  assert.match(text, /ms {2}the first byte of the response: 200$/m);
});

test('one is ejected: it is named with its reason, and with who had the request instead', async (t) => {
  const it = await cluster(t, 2);
  const [bad, good] = it.pods as [Pod, Pod];
  // Whichever comes first fails, the first time.
  const fail: Pod['respond'] = ({ socket }) => void socket.destroy();
  let failed: Pod | undefined;
  for (const pod of it.pods) {
    pod.respond = (request, response) => {
      if (failed !== undefined) return void response.end('ok');
      failed = pod;
      fail(request, response);
    };
  }
  const { code, text } = await explained(
    it,
    NAME,
    '-o',
    'outlierDetection.consecutiveFailures=1',
    '-o',
    'outlierDetection.maxEjectionPercent=100',
  );
  assert.equal(code, 0, text);
  const other = failed === bad ? good : bad;
  assert.match(lineOf(text, failed!), /ejected for reset, \d+ s left/);
  assert.match(text, new RegExp(`is sent again, not to ${failed!.address}:\\d+ \\(reset\\)`));
  assert.match(
    text,
    new RegExp(`${other.address}:\\d+: a retry, which goes to another pod than ${failed!.address}:`),
  );
});

test('one can’t be reached: it is named with the reason', async (t) => {
  const it = await cluster(t);
  await it.pods[1]!.kill();
  const { code, text } = await explained(it, NAME);
  assert.equal(code, 0);
  assert.match(lineOf(text, it.pods[1]!), /can't be reached: ECONNREFUSED|not kept connected/);
});

test('a ClusterIP: the story says what keeps the pods from being seen', async (t) => {
  const it = await startCluster(t);
  it.api.refuse = () => ({ status: 403, message: 'forbidden' });
  const { code, text } = await explained(it, NAME);
  assert.equal(code, 0, text);
  assert.match(text, /^Candidates {2}1 by dns$/m);
  assert.match(text, new RegExp(`goes to ${it.proxy.address}:`));
  assert.match(text, /^! .*EndpointSlices.*evenkeel rbac /m);
});

test('a virtual IP: the story says that somebody else picks the pod', () => {
  const question = { url: new URL(`http://${NAME}`), method: 'GET' } as Question;
  const row = {
    address: '10.96.0.1:80',
    state: 'ready',
    reasons: [] as string[],
    connections: 1,
  } as EndpointStats;
  const story: Story = {
    trace: new Trace(),
    moments: [],
    choices: [],
    endpoints: [row, row],
    virtual: true,
    source: 'dns',
    outcome: { status: 200, bytes: 0 },
  };
  const lines = tell(question, story, 'least-request');
  assert.ok(
    lines.includes(
      'Candidates  2 by dns: a virtual IP, so somebody else picks a pod for each connection to it',
    ),
    lines.join('\n'),
  );
});

test('a name that leads nowhere: the story has what was looked up', async (t) => {
  const it = await cluster(t);
  const { code, text } = await explained(it, 'ordres.prod.svc.cluster.local');
  assert.equal(code, 1);
  assert.match(text, /^GET http:\/\/ordres\.prod\.svc\.cluster\.local:\d+\/orders: failed: /m);
  assert.match(text, /ordres\.prod\.svc\.cluster\.local +no such name$/m);
  assert.match(text, /^Candidates {2}none: discovery has found no pod$/m);
  assert.match(text, /^Choice {6}none: no pod could be given the request$/m);
});

test('every pod refuses: each is named with the reason', async (t) => {
  const it = await cluster(t, 2);
  await Promise.all([...it.pods, it.proxy].map((pod) => pod.kill()));
  const { code, text } = await explained(it, NAME, '-o', 'endpointTimeout=1s');
  assert.equal(code, 1);
  for (const pod of it.pods) assert.match(lineOf(text, pod), /can't be reached: ECONNREFUSED/);
  assert.match(text, /ms {2}it failed: .*ECONNREFUSED/);
});

test('method, headers and body are sent as they were given', async (t) => {
  const it = await cluster(t, 1);
  let seen = '';
  it.pods[0]!.respond = (request, response) => {
    seen = `${request.method} ${request.headers['x-tenant']} `;
    request.on('data', (chunk) => (seen += chunk)).on('end', () => response.end());
  };
  const { code } = await explained(it, NAME, '-X', 'PUT', '-H', 'X-Tenant: a: b', '-d', 'text');
  assert.deepEqual([code, seen], [0, 'PUT a: b text']);
});

test('it is called wrongly', async () => {
  for (const [args, says] of [
    [[], /expected one URL such as .*, got none/],
    [['orders', '-H', 'nothing'], /-H takes 'name: value', got 'nothing'/],
    [['orders', '-o', 'polcy=x'], /unknown option polcy; did you mean policy\?/],
  ] as const) {
    await assert.rejects(explain(args), { name: 'UsageError', message: says });
  }
});
