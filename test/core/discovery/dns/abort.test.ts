import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startDnsServer } from '../../../support/dns-server.ts';
import { setUp } from './setup.ts';

/** Servers that are waited for longer than a test may take. */
const PATIENT = 'options timeout:30 attempts:5';
const PROMPTLY = { timeout: 20_000 };

test('a resolver whose signal aborted before it began asks nothing', async (t) => {
  const { dns, clock, resolver } = await setUp(t);
  const target = { hostname: 'orders.test', port: 80, protocol: 'http:' } as const;
  const resolutions = resolver(target, AbortSignal.abort())[Symbol.asyncIterator]();
  assert.deepEqual(await resolutions.next(), { done: true, value: undefined });
  assert.deepEqual(dns.questions, []);
  assert.equal(clock.pending, 0);
});

for (const when of ['first', 'second'] as const) {
  test(`an abort during the ${when} look-up ends it`, PROMPTLY, async (t) => {
    const { dns, clock, resolvConf, follow } = await setUp(t);
    resolvConf(PATIENT);
    dns.set('orders.test', ['10.0.1.1'], { ttl: 1 });
    const orders = follow('orders.test');
    if (when === 'second') await orders.next();
    dns.misbehave('orders.test', 'silent');
    const ended = orders.ended();
    clock.advance('1s');
    await dns.received('orders.test', when === 'first' ? 1 : 2);
    orders.stop();
    assert.ok(await ended);
  });
}

test('an abort while an answer holds ends the wait and leaves no timer', async (t) => {
  const { dns, clock, follow } = await setUp(t);
  dns.set('orders.test', ['10.0.1.1']);
  const orders = follow('orders.test');
  await orders.next();
  const ended = orders.ended();
  assert.equal(clock.pending, 1);
  orders.stop();
  assert.equal(clock.pending, 0);
  assert.ok(await ended);
});

test('an abort between two values ends the resolver at the next', async (t) => {
  const { dns, clock, follow } = await setUp(t);
  dns.set('orders.test', ['10.0.1.1']);
  const orders = follow('orders.test');
  await orders.next();
  orders.stop();
  assert.ok(await orders.ended());
  assert.equal(clock.pending, 0);
  assert.equal(dns.count('orders.test'), 1);
});

test('an abort while a failure is waited out leaves no timer', async (t) => {
  const { dns, clock, follow } = await setUp(t);
  dns.misbehave('*', { rcode: 'SERVFAIL' });
  const orders = follow('orders.test');
  await orders.failure();
  const ended = orders.ended();
  orders.stop();
  assert.ok(await ended);
  assert.equal(clock.pending, 0);
});

test('an abort in the middle of the search list asks for no further name', async (t) => {
  const { dns, resolvConf, follow } = await setUp(t);
  resolvConf('search a.test b.test c.test');
  const release = dns.hold('orders.b.test');
  const orders = follow('orders');
  const ended = orders.ended();
  await dns.received('orders.b.test');
  orders.stop();
  assert.ok(await ended);
  release();
  // Questions to one server arrive in order: when this one has come, no other is under way.
  await follow('last.test.').failure();
  assert.deepEqual(
    dns.questions.map(({ name }) => name).filter((name) => name.startsWith('orders')),
    ['orders.a.test', 'orders.b.test'],
  );
});

test('an abort among the targets of a service asks for no further target', PROMPTLY, async (t) => {
  const { dns, resolvConf, follow } = await setUp(t);
  resolvConf(PATIENT);
  const targets = Array.from({ length: 200 }, (_, i) => ({ target: `pod-${i}.orders.test`, port: 8080 }));
  dns.setServices('_http._tcp.orders.test', targets);
  const release = dns.hold('pod-0.orders.test');
  for (const { target } of targets.slice(1)) dns.misbehave(target, 'silent');
  const orders = follow('_http._tcp.orders.test');
  const ended = orders.ended();
  await dns.received('pod-0.orders.test');
  orders.stop();
  assert.ok(await ended);
  release();
  await follow('last.test').failure();
  assert.equal(dns.count('pod-199.orders.test'), 0);
});

test('one service that leaves does not take the question from the others', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.set('orders.test', ['10.0.1.1']);
  const release = dns.hold('orders.test');
  const [leaving, staying] = [follow('orders.test'), follow('orders.test')];
  const ended = leaving.ended();
  const addresses = staying.addresses();
  await dns.received('orders.test');
  leaving.stop();
  assert.ok(await ended);
  release();
  assert.deepEqual(await addresses, ['10.0.1.1']);
  assert.equal(dns.count('orders.test'), 1);
});

test('a service that comes in the moment when the last one leaves has its question answered', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.set('orders.test', ['10.0.1.1']);
  const release = dns.hold('orders.test');
  const leaving = follow('orders.test');
  const ended = leaving.ended();
  await dns.received('orders.test');
  leaving.stop();
  const addresses = follow('orders.test').addresses();
  await ended;
  release();
  assert.deepEqual(await addresses, ['10.0.1.1']);
});

test('services that come after the last one has left ask anew, once', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.set('orders.test', ['10.0.1.1']);
  const release = dns.hold('orders.test');
  const leaving = follow('orders.test');
  const ended = leaving.ended();
  await dns.received('orders.test');
  leaving.stop();
  await ended;
  const one = follow('orders.test').addresses();
  await dns.received('orders.test', 2);
  const other = follow('orders.test').addresses();
  release();
  assert.deepEqual(await one, ['10.0.1.1']);
  assert.deepEqual(await other, ['10.0.1.1']);
  assert.equal(dns.count('orders.test'), 2);
});

test('an abort wins over an answer that is there already', async (t) => {
  const { dns, follow } = await setUp(t);
  dns.set('orders.test', ['10.0.1.1']);
  await follow('orders.test').next();
  const orders = follow('orders.test');
  const ended = orders.ended();
  orders.stop();
  assert.ok(await ended);
});

test('an abort while the name servers are asked leaves the system alone', async (t) => {
  let asked = 0;
  const getaddrinfo = async () => {
    asked++;
    return ['10.0.1.1'];
  };
  const { dns, follow } = await setUp(t, { getaddrinfo });
  dns.misbehave('orders.test', 'silent');
  const orders = follow('orders.test');
  const ended = orders.ended();
  await dns.received('orders.test');
  orders.stop();
  assert.ok(await ended);
  await new Promise(setImmediate);
  assert.equal(asked, 0);
});

test('an abort while the system is asked does not wait for it, nor use its answer', async (t) => {
  const calls: PromiseWithResolvers<string[]>[] = [];
  const events = new EventEmitter();
  const getaddrinfo = () => {
    const call = Promise.withResolvers<string[]>();
    calls.push(call);
    events.emit('call');
    return call.promise;
  };
  const { follow } = await setUp(t, { getaddrinfo });
  const leaving = follow('printer.local');
  const ended = leaving.ended();
  await once(events, 'call');
  leaving.stop();
  assert.ok(await ended);

  const one = follow('printer.local').addresses();
  await once(events, 'call');
  calls[0]?.resolve(['192.168.1.8']);
  await new Promise(setImmediate);
  const other = follow('printer.local').addresses();
  calls[1]?.resolve(['192.168.1.9']);
  assert.deepEqual(await one, ['192.168.1.9']);
  assert.deepEqual(await other, ['192.168.1.9']);
  assert.equal(calls.length, 2);
});

/** Starts a process that follows a name, and ends by itself when nothing keeps it alive. */
function startFollower(t: TestContext, server: string, resolvConf: string) {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-dns-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'resolv.conf'), `${resolvConf}\nnameserver ${server}`);
  const script = fileURLToPath(new URL('follow-and-exit.ts', import.meta.url));
  const child = spawn(process.execPath, [script, join(folder, 'resolv.conf')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const output = child.stdout.setEncoding('utf8').toArray();
  return { child, exited, output };
}

test('a look-up keeps the process alive; waiting for the next one does not', PROMPTLY, async (t) => {
  const dns = await startDnsServer(t);
  dns.set('orders.test', ['10.0.1.1']);
  const release = dns.hold('orders.test');
  const { exited, output } = startFollower(t, dns.address, PATIENT);
  await dns.received('orders.test');
  release();
  // The refresh would come after 27 s at the earliest.
  assert.deepEqual(await exited, [0, null]);
  assert.deepEqual(await output, ['10.0.1.1\n']);
});

test('an abort lets go of the question, and so of the process', PROMPTLY, async (t) => {
  const dns = await startDnsServer(t);
  dns.misbehave('orders.test', 'silent');
  const { child, exited, output } = startFollower(t, dns.address, PATIENT);
  await dns.received('orders.test');
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
  assert.deepEqual(await output, []);
});
