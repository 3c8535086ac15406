import assert from 'node:assert/strict';
import test from 'node:test';
import { Families } from '../../../../src/core/discovery/dns/families.ts';
import { Query } from '../../../../src/core/discovery/dns/query.ts';
import { startDnsServer } from '../../../support/dns-server.ts';

const families = new Families('auto', {});

test('a query that was cancelled, or aborted before it began, asks nothing', async (t) => {
  const dns = await startDnsServer(t);
  const options = { servers: [dns.address], timeout: 2_000, attempts: 2 };
  const cancelled = new Query(options, new AbortController().signal);
  cancelled.cancel();
  await assert.rejects(cancelled.addresses('orders.test', families));
  await assert.rejects(new Query(options, AbortSignal.abort()).services('orders.test'));
  // Questions arrive in order: were there any before this one, they would be there by now.
  await new Query(options, new AbortController().signal).addresses('last.test', families);
  assert.equal(dns.count('orders.test'), 0);
});

test('an abort cancels the question', async (t) => {
  const dns = await startDnsServer(t);
  dns.misbehave('*', 'silent');
  const abort = new AbortController();
  const query = new Query({ servers: [dns.address], timeout: 30_000, attempts: 5 }, abort.signal);
  const addresses = query.addresses('orders.test', families);
  await dns.received('orders.test');
  abort.abort();
  await assert.rejects(addresses, { code: 'ECANCELLED' });
});
