import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Settings } from '../../../../src/config/settings.ts';
import { systemClock } from '../../../../src/core/base/clock.ts';
import { resolverFor } from '../../../../src/transports/resolver-for.ts';
import { BalancedAgent } from '../../../../src/transports/undici/agent.ts';
import { podAt, serviceNamed, sliceOf } from '../../../support/api-objects.ts';
import { type ApiServer, startApiServer } from '../../../support/api-server.ts';
import { startDnsServer } from '../../../support/dns-server.ts';
import { type Pod, startPod } from '../../../support/pods.ts';
import { startStopwatch } from '../../../support/stopwatch.ts';
import { NO_SETTINGS, placeIn } from './setup.ts';

const REFUSES = 30_000;
/** Milliseconds between two requests to a Service. */
const EVERY = 50;
/**
 * Requests to the API server in that time, however many Services are in use: one each 3.8 to 4.3 s, after the first ones.
 * client-go's watches of one Service and its slices send eight, those of ten Services eighty.
 */
const MOST = 9;

/** A Service with a ClusterIP, and a pod at a time. */
class Service {
  readonly name: string;
  readonly clusterIP: Pod;
  readonly #api: ApiServer;

  constructor(api: ApiServer, name: string, clusterIP: Pod) {
    this.#api = api;
    this.name = name;
    this.clusterIP = clusterIP;
    const ports = [{ port: clusterIP.port, protocol: 'TCP' }];
    api.store.putService('prod', serviceNamed(name, { clusterIP: clusterIP.address, ports }));
  }

  get origin(): string {
    return `http://${this.name}:${this.clusterIP.port}`;
  }

  serveBy(pod: Pod): void {
    const slice = sliceOf(this.name, `${this.name}-a`, [podAt(pod.address)], { ports: { '': pod.port } });
    this.#api.store.putSlice('prod', slice);
  }
}

async function restart(t: TestContext, status: number, count: number): Promise<void> {
  const [api, dns] = [await startApiServer(t), await startDnsServer(t)];
  const settings = {
    discovery: 'auto',
    mesh: 'auto',
    dns: { servers: [dns.address], minTtl: 1_000, maxTtl: 30_000, family: 'auto', negativeHold: 30_000 },
    kubernetes: NO_SETTINGS,
    clock: systemClock,
    random: Math.random,
  } as unknown as Settings;
  const agent = new BalancedAgent({ discovery: resolverFor(settings, placeIn(t, api)) });
  t.after(() => agent.destroy());
  const services: Service[] = [];
  for (let index = 0; index < count; index++) {
    const service = new Service(api, `svc-${index}`, await startPod(t));
    dns.set(`${service.name}.prod.svc.cluster.local`, [service.clusterIP.address], { ttl: 5 });
    service.serveBy(await startPod(t));
    services.push(service);
  }
  let [served, failed] = [0, 0];
  let isOver = false;
  const calls = services.map(async ({ origin }) => {
    while (!isOver) {
      try {
        const { body } = await agent.request({ origin, path: '/', method: 'GET' });
        await body.dump();
        served++;
      } catch {
        failed++;
      }
      await sleep(EVERY);
    }
  });
  await Promise.all([api.watched(count), api.watched(count, 'service-watch')]);
  for (const { origin } of services)
    while (agent.stats[origin]?.discovery?.source !== 'endpointslices') await sleep(EVERY);

  await api.stop();
  api.refuse = () => ({ status });
  await api.start();
  const before = { requests: api.requests.length, questions: dns.questions.length, served };
  const connections = services.map(({ clusterIP }) => clusterIP.paths.length);
  await sleep(REFUSES);
  const requests = api.requests.slice(before.requests);
  const questions = dns.questions.length - before.questions;
  const pods = await Promise.all(services.map(() => startPod(t)));
  api.refuse = () => undefined;
  const watch = startStopwatch();
  for (const [index, service] of services.entries()) service.serveBy(pods[index]!);
  await Promise.all(pods.map((pod) => pod.received('/')));
  const back = Math.round(watch());
  isOver = true;
  await Promise.all(calls);

  const lists = requests.filter(({ kind }) => kind.endsWith('list')).length;
  t.diagnostic(
    `${requests.length} requests to the API, ${lists} of them lists; ${questions} DNS queries; ` +
      `${served - before.served} requests served, ${failed} failed; slices of all followed after ${back} ms`,
  );
  assert.ok(requests.length <= MOST);
  assert.equal(lists, 0);
  assert.equal(questions, 0);
  assert.equal(failed, 0);
  assert.ok(served > before.served);
  assert.deepEqual(
    services.map(({ clusterIP }) => clusterIP.paths.length),
    connections,
  );
  assert.ok(back <= 5_000);
}

describe('an API server is restarted, and refuses everything for half a minute', {
  concurrency: true,
}, () => {
  for (const status of [403, 503]) {
    for (const count of [1, 2, 4, 10]) {
      test(`${count} Services, ${status}: pods stay in use, and changes come five seconds later`, (t) =>
        restart(t, status, count));
    }
  }
});
