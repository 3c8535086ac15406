import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../src/core/base/clock.ts';
import { ClusterNames } from '../../../src/core/discovery/kubernetes/cluster-names.ts';
import { type NameJudge, nameJudge } from '../../../src/transports/global/name-judge.ts';
import { type DnsServer, startDnsServer } from '../../support/dns-server.ts';

interface Setup {
  dns: DnsServer;
  judge: NameJudge;
}

interface Options {
  clusterDomain?: string;
  resolvConf?: string;
  findsMore?: boolean;
}

const IN_A_POD = 'search prod.svc.cluster.local svc.cluster.local\noptions ndots:5';

/** A judge in a pod of the namespace prod, unless resolv.conf says otherwise, with a name server of its own. */
async function setUp(
  t: TestContext,
  { clusterDomain, findsMore = false, resolvConf = IN_A_POD }: Options = {},
): Promise<Setup> {
  const dns = await startDnsServer(t);
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-judge-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [hostsPath, resolvConfPath] = [join(folder, 'hosts'), join(folder, 'resolv.conf')];
  writeFileSync(hostsPath, '192.168.1.2 printer');
  writeFileSync(resolvConfPath, resolvConf);
  const judge = nameJudge({
    servers: [dns.address],
    minTtl: 1_000,
    maxTtl: 30_000,
    family: 'auto',
    clock: systemClock,
    random: Math.random,
    hostsPath,
    resolvConfPath,
    names: new ClusterNames(clusterDomain, { resolvConf: resolvConfPath, hostname: 'app-1' }),
    findsMore,
  });
  return { dns, judge };
}

test('names that lead to private addresses only are managed', async (t) => {
  const { dns, judge } = await setUp(t);
  dns.set('db.corp.example.com', ['10.0.0.1', '10.0.0.2']);
  dns.set('half.corp.example.com', ['10.0.0.1', '203.0.113.1']);
  dns.set('api.example.com', ['203.0.113.1']);
  assert.equal(await judge('db.corp.example.com'), 'managed');
  assert.equal(await judge('half.corp.example.com'), 'foreign');
  assert.equal(await judge('api.example.com'), 'foreign');
  assert.equal(await judge('printer'), 'managed');
});

test('names that lead into the cluster are managed, wherever its pods’ addresses are from', async (t) => {
  const { dns, judge } = await setUp(t);
  dns.set('orders.prod.svc.cluster.local', ['203.0.113.7']);
  assert.equal(await judge('orders'), 'managed');
  assert.equal(await judge('orders.prod'), 'managed');
});

test('a cluster that the name is not in makes no difference', async (t) => {
  const { dns, judge } = await setUp(t, { clusterDomain: 'other.local' });
  dns.set('orders.prod.svc.cluster.local', ['203.0.113.7']);
  assert.equal(await judge('orders'), 'foreign');
});

test('outside a cluster, public names below a domain that is searched are foreign', async (t) => {
  const { dns, judge } = await setUp(t, { resolvConf: 'search svc.example.com example.com' });
  dns.set('api.example.com', ['203.0.113.1']);
  dns.set('api.svc.example.com', ['203.0.113.2']);
  assert.equal(await judge('api.example.com'), 'foreign');
  assert.equal(await judge('api.svc.example.com'), 'foreign');
});

test('names that lead to a metadata service are foreign', async (t) => {
  const { dns, judge } = await setUp(t);
  dns.set('metadata.google.internal', ['169.254.169.254']);
  assert.equal(await judge('metadata.google.internal'), 'foreign');
});

test('names that can only mean a Service are managed without a look-up', async (t) => {
  const { dns, judge } = await setUp(t);
  for (const name of ['orders.prod.svc', 'orders.prod.svc.cluster.local', 'Orders.Prod.Svc.']) {
    assert.equal(await judge(name), 'managed', name);
    assert.equal(dns.count(name), 0);
  }
});

test('names that DNS does not know are managed if the agent may know them', async (t) => {
  const { dns, judge } = await setUp(t, { findsMore: true });
  assert.equal(await judge('orders.consul'), 'managed');
  dns.misbehave('broken.example.com.prod.svc.cluster.local', { rcode: 'SERVFAIL' });
  await assert.rejects(judge('broken.example.com'), { code: 'ESERVFAIL' });
});

test('of a name that leads nowhere, or may lead anywhere, there is no verdict', async (t) => {
  const { dns, judge } = await setUp(t);
  await assert.rejects(judge('nobody'), { code: 'ENOTFOUND' });
  dns.misbehave('broken.example.com', { rcode: 'SERVFAIL' });
  await assert.rejects(judge('broken.example.com'), { code: 'ESERVFAIL' });
});
