import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { refusalOf } from '../../src/admin/visitors.ts';
import { instrument } from '../../src/telemetry/prometheus.ts';
import { get, load, ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { startPods } from '../support/pods.ts';
import { say, startAdmin, visit, watch } from './visiting.ts';

test('the page has all it needs from the process itself, and a policy that lets it have nothing else', async (t) => {
  const { port } = await startAdmin(t);
  const { status, headers, text } = await visit(port);
  assert.equal(status, 200);
  assert.match(String(headers['content-type']), /^text\/html/);
  assert.match(String(headers['content-security-policy']), /default-src 'none'.*frame-ancestors 'none'/);
  assert.doesNotMatch(text, /https?:\/\//);
  const files = Array.from(text.matchAll(/(?:href|src)="(page\/[^"]+)"/g), ([, path]) => path!);
  assert.equal(files.length, 3);
  for (const file of files) {
    const answer = await visit(port, `/${file}`);
    assert.equal(answer.status, 200, file);
    assert.doesNotMatch(answer.text.replace('http://www.w3.org/2000/svg', ''), /https?:\/\//);
  }
});

test('there is nothing but the page and its data', async (t) => {
  const { port } = await startAdmin(t);
  const paths = [
    '/page/',
    '/page/tsconfig.json',
    '/page/../view.ts',
    '/page/%2e%2e/view.ts',
    '/favicon.ico',
    '//x/',
  ];
  for (const path of paths) assert.equal((await visit(port, path)).status, 404, path);
});

test('what is known of all agents is there as JSON, with the settings in force and where each is from', async (t) => {
  const { port } = await startAdmin(t);
  const pods = await startPods(t, 2);
  await load(startAgent(t, pods, { maxConnectionDuration: '20s' }), 10);
  const { headers, text } = await visit(port, '/stats');
  assert.equal(headers['content-type'], 'application/json');
  const { process: told, agents, services } = JSON.parse(text);
  assert.equal(told.pid, process.pid);
  assert.deepEqual(
    services[ORIGIN].endpoints.map(({ address }: { address: string }) => address),
    pods.map(({ address, port }) => `${address}:${port}`),
  );
  const setting = agents[0].settings.find(({ name }: { name: string }) => name === 'maxConnectionDuration');
  assert.deepEqual(setting, {
    name: 'maxConnectionDuration',
    value: '20000',
    from: 'option',
    variable: 'EVENKEEL_MAX_CONNECTION_DURATION',
  });
});

test('whoever watches is told of new pods at once, and of what pods do each second', async (t) => {
  const { port } = await startAdmin(t);
  const pods = await startPods(t, 3);
  const resolver = new ManualResolver(pods.slice(0, 2));
  const agent = startAgent(t, [], { discovery: resolver.resolve });
  await load(agent, 10);
  const told = watch(t, port);
  const hello = (await told.next()).value!;
  assert.equal(hello.event, 'hello');
  assert.equal(hello.data.services[ORIGIN]!.endpoints.length, 2);

  const change = async (now: typeof pods, what: string) => {
    await get(agent);
    // As a second begins, so that the next one is far.
    await told.next();
    const startedAt = performance.now();
    resolver.set(now);
    for (;;) {
      const { event, data } = (await told.next()).value!;
      assert.equal(event, 'moment');
      if (data.services[ORIGIN]!.endpoints.length !== now.length) continue;
      const happened = data.happened.find((each) => each.what === what);
      assert.equal(happened?.address, `${pods[2]!.address}:${pods[2]!.port}`);
      return performance.now() - startedAt;
    }
  };
  const late: number[] = [];
  // A process may stand still while it is to tell, but does not each time.
  for (let n = 0; n < 5 && !late.some((each) => each < 700); n++) {
    late.push(await change(pods, 'endpoint:add'));
    late.push(await change(pods.slice(0, 2), 'endpoint:remove'));
  }
  assert.ok(
    late.some((each) => each < 700),
    late.join(),
  );
});

test('what happens again and again is told once, with how often', async (t) => {
  const { port } = await startAdmin(t);
  const pods = await startPods(t, 1);
  const agent = startAgent(t, pods, { maxRequestsPerConnection: 1 });
  await get(agent);
  const told = watch(t, port);
  await told.next();
  await load(agent, 50, 5);
  for await (const { data } of told) {
    const retired = data.happened.filter(({ what }) => what === 'connection:retire');
    if (retired.length === 0) continue;
    assert.ok(retired.length < 10 && retired[0]!.count > 5, JSON.stringify(retired));
    break;
  }
});

test('the metrics are those of evenkeel/prometheus, without prom-client', async (t) => {
  const { port } = await startAdmin(t);
  const registry = new Registry();
  t.after(instrument({ registry }));
  await visit(port, '/metrics');
  const agent = startAgent(t, await startPods(t, 2), { maxRequestsPerConnection: 5 });
  await load(agent, 50, 5);
  await agent.close();
  const { headers, text } = await visit(port, '/metrics');
  assert.match(String(headers['content-type']), /version=0\.0\.4/);
  assert.match(text, /^evenkeel_requests_total\{.*server_address="orders\.prod".*\} 50$/m);
  assert.deepEqual(linesOf(text), linesOf(await registry.metrics()));
});

test('with byEndpoint, the metrics tell pods apart', async (t) => {
  const { port } = await startAdmin(t);
  const [pod] = await startPods(t, 1);
  await load(startAgent(t, [pod!]), 10);
  const { text } = await visit(port, '/metrics?byEndpoint=true');
  assert.match(
    text,
    new RegExp(`^evenkeel_requests_total\\{.*network_peer_address="${pod!.address}".*\\} 10$`, 'm'),
  );
});

/** The lines of metrics, in an order that is no one's. Seconds that connections lived are each reader's own. */
function linesOf(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !/_seconds_sum/.test(line))
    .map((line) => line.replace(/\{(.*)\}/, (_, labels: string) => labels.split(',').toSorted().join()))
    .toSorted();
}

for (const method of ['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS']) {
  test(`${method} is refused`, async (t) => {
    const { port } = await startAdmin(t);
    const { status, headers } = await visit(port, '/', { method });
    assert.deepEqual([status, headers.allow], [405, 'GET']);
  });
}

test('a body that comes with a refused request is not waited for', async (t) => {
  const { port } = await startAdmin(t);
  const said = await say(
    port,
    'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\nand now nothing',
  );
  assert.match(said, /^HTTP\/1\.1 405 /);
});

for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.nip.io', 'localhost@evil.example']) {
  test(`a request for ${host} is refused: its name was bent to lead here`, async (t) => {
    const { port } = await startAdmin(t);
    for (const path of ['/', '/stats', '/events', '/metrics']) {
      const { status, text } = await visit(port, path, { headers: { host } });
      assert.equal(status, 403);
      assert.doesNotMatch(text, /services|evenkeel_/);
    }
  });
}

test('a request that names no host is refused', async (t) => {
  const { port } = await startAdmin(t);
  assert.match(await say(port, 'GET /stats HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 403 /);
  assert.match(await say(port, 'GET /stats HTTP/1.1\r\nhost:\r\n\r\n'), /^HTTP\/1\.1 40[03] /);
});

for (const host of ['localhost', 'LOCALHOST:9909', '127.0.0.1:1234', '[::1]:9909', '10.1.2.3:9909']) {
  test(`a request for ${host} is answered`, async (t) => {
    const { port } = await startAdmin(t);
    assert.equal((await visit(port, '/stats', { headers: { host } })).status, 200);
  });
}

test('a page from elsewhere gets nothing, but a link may lead here', async (t) => {
  const { port } = await startAdmin(t);
  const from = (site: string, mode: string) =>
    visit(port, '/stats', { headers: { 'sec-fetch-site': site, 'sec-fetch-mode': mode } });
  assert.equal((await from('cross-site', 'no-cors')).status, 403);
  assert.equal((await from('same-site', 'cors')).status, 403);
  assert.equal((await from('cross-site', 'navigate')).status, 200);
  assert.equal((await from('same-origin', 'cors')).status, 200);
});

test('on loopback, a peer that is not on the same host is refused', () => {
  const from = (remoteAddress: string) =>
    ({
      method: 'GET',
      headers: { host: 'localhost' },
      socket: { remoteAddress },
    }) as unknown as IncomingMessage;
  assert.equal(refusalOf(from('10.1.2.3'), '127.0.0.1')?.status, 403);
  assert.equal(refusalOf(from('::ffff:10.1.2.3'), 'localhost')?.status, 403);
  for (const own of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
    assert.equal(refusalOf(from(own), '127.0.0.1'), undefined, own);
  }
  assert.equal(refusalOf(from('10.1.2.3'), '0.0.0.0'), undefined);
});
