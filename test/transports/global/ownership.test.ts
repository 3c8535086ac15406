import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OwnershipOptions, ownership } from '../../../src/transports/global/ownership.ts';
import type { Verdict } from '../../../src/transports/global/verdicts.ts';

/** Judges where nothing was there before, and names may not be asked for. */
function judge(origin: string, options: Partial<OwnershipOptions> = {}): Verdict | Promise<Verdict> {
  return ownership({
    hosts: undefined,
    claims: () => false,
    judgeName: (hostname) => assert.fail(`${hostname} was looked up`),
    ...options,
  })(origin);
}

test('addresses are judged by themselves: loopback and private ones are managed', () => {
  for (const host of [
    '127.0.0.1',
    '10.1.2.3',
    '192.168.0.1',
    '100.64.0.1',
    '[::1]',
    '[fd00::1]',
    'localhost',
  ]) {
    assert.equal(judge(`http://${host}:8080`), 'managed', host);
  }
  for (const host of [
    ...['203.0.113.1', '8.8.8.8', '[2001:db8::1]'],
    // Clouds' metadata services.
    ...['169.254.169.254', '[fd00:ec2::254]', '100.100.100.200'],
  ])
    assert.equal(judge(`https://${host}`), 'foreign', host);
});

test('names are judged by where they lead', async () => {
  const asked: string[] = [];
  const judgeName = async (hostname: string): Promise<Verdict> => {
    asked.push(hostname);
    return hostname === 'orders' ? 'managed' : 'foreign';
  };
  assert.equal(await judge('http://orders:8080', { judgeName }), 'managed');
  assert.equal(await judge('https://api.example.com', { judgeName }), 'foreign');
  assert.deepEqual(asked, ['orders', 'api.example.com']);
});

test('globs have the last word, and need no look-up', () => {
  const hosts = ['*.example.com', '10.*', '!www.example.com'];
  assert.equal(judge('https://api.example.com', { hosts }), 'managed');
  assert.equal(judge('https://www.example.com', { hosts }), 'foreign');
  assert.equal(judge('http://10.0.0.1', { hosts }), 'managed');
  assert.equal(judge('http://127.0.0.1', { hosts }), 'foreign');
});

test('what no glob of a list of exceptions names is judged as ever', () => {
  const hosts = ['!10.0.0.1'];
  assert.equal(judge('http://10.0.0.1', { hosts }), 'foreign');
  assert.equal(judge('http://10.0.0.2', { hosts }), 'managed');
  assert.equal(judge('http://8.8.8.8', { hosts }), 'foreign');
});

test('what is claimed by what was there before is foreign, unless a glob says otherwise', () => {
  const claims = () => true;
  assert.equal(judge('http://10.0.0.1', { claims }), 'foreign');
  assert.equal(judge('http://orders', { claims }), 'foreign');
  assert.equal(judge('http://10.0.0.1', { claims, hosts: ['10.*'] }), 'managed');
});

test('what is no http URL is foreign', () => {
  for (const origin of ['ftp://10.0.0.1', 'unix:/run/app.sock', 'orders', ''])
    assert.equal(judge(origin), 'foreign');
});
