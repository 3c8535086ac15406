// Clients of a Service whose cluster may not be read: what they know of it is in DNS.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import type { Settings } from '../../../../src/config/settings.ts';
import { systemClock } from '../../../../src/core/base/clock.ts';
import { resolverFor } from '../../../../src/transports/resolver-for.ts';
import { BalancedAgent } from '../../../../src/transports/undici/agent.ts';
import { startApiServer } from '../../../support/api-server.ts';
import { type DnsServer, startDnsServer } from '../../../support/dns-server.ts';
import { type Pod, startPods } from '../../../support/pods.ts';
import { startStock } from '../../../support/stock-resolving.ts';
import { startStopwatch } from '../../../support/stopwatch.ts';
import { NO_SETTINGS, placeIn } from './setup.ts';

export const NAME = 'orders.prod.svc.cluster.local';
/** Seconds for which an answer holds. */
const TTL = 1;
/** Milliseconds for a question, and for this process to get round to it. */
export const LEEWAY = 400;
/** Milliseconds, those left out in which this process stood still. */
export const now = startStopwatch();

/** An app in a cluster whose API refuses it everything. */
export async function startApp(t: TestContext, dns: DnsServer): Promise<BalancedAgent> {
  const api = await startApiServer(t);
  api.refuse = () => ({ status: 403, message: 'forbidden' });
  const settings = {
    discovery: 'auto',
    mesh: 'auto',
    dns: {
      servers: [dns.address],
      minTtl: 1_000,
      maxTtl: 30_000,
      family: 'auto',
      negativeHold: 30_000,
    },
    kubernetes: NO_SETTINGS,
    clock: systemClock,
    random: Math.random,
  } as unknown as Settings;
  const agent = new BalancedAgent({ discovery: resolverFor(settings, placeIn(t, api)) });
  t.after(() => agent.destroy());
  return agent;
}

/** Requests of one client, one after the other. */
export class Calls {
  readonly failures: unknown[] = [];
  readonly #answers: { address: string; sentAt: number }[] = [];
  readonly #done: Promise<void>;
  #stopped = false;

  constructor(client: Dispatcher, origin: string, reset: boolean) {
    this.#done = this.#run(client, origin, reset);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  /** Resolves when one of these has answered. */
  async answeredBy(pods: readonly Pod[]): Promise<void> {
    const from = this.#answers.length;
    while (!this.#answers.slice(from).some(({ address }) => has(pods, address))) await sleep(5);
  }

  /** When, after a moment, the last request was sent that one of these has answered. */
  lastTo(pods: readonly Pod[], moment: number): number {
    const last = this.#answers.findLast(({ address }) => has(pods, address));
    return Math.max(0, (last?.sentAt ?? moment) - moment);
  }

  async #run(client: Dispatcher, origin: string, reset: boolean): Promise<void> {
    while (!this.#stopped) {
      const sentAt = now();
      try {
        const { body } = await client.request({ origin, path: '/', method: 'GET', reset });
        this.#answers.push({ address: await body.text(), sentAt });
      } catch (error) {
        this.failures.push(error);
      }
      await sleep(5);
    }
  }
}

const has = (pods: readonly Pod[], address: string) => pods.some((pod) => pod.address === address);

export type Answer = (dns: DnsServer, pods: readonly Pod[]) => void;

/** What DNS says of a Service, whose `pods` are what a client reaches. */
export const clusterIP: Answer = (dns, [address]) => dns.set(NAME, [address!.address], { ttl: TTL });
export const headless: Answer = (dns, pods) => dns.set(NAME, addressesOf(pods), { ttl: TTL });
export const externalName: Answer = (dns, pods) => {
  const target = `${pods[0]!.address.replaceAll('.', '-')}.example.com`;
  dns.set(target, addressesOf(pods), { ttl: TTL });
  dns.setAlias(NAME, target, { ttl: TTL });
};

const addressesOf = (pods: readonly Pod[]) => pods.map(({ address }) => address);

/** A Service is one thing, and then another: its client goes after it within its time to live. */
export async function follow(t: TestContext, before: Answer, after: Answer): Promise<void> {
  const [dns, [first, second, third, fourth]] = await Promise.all([startDnsServer(t), startPods(t, 4)]);
  const [old, young] = [
    [first!, second!],
    [third!, fourth!],
  ];
  before(dns, old);
  const origin = `http://${NAME}:${first!.port}`;
  const ours = new Calls(await startApp(t, dns), origin, false);
  // It asks for each connection, and makes one for each request.
  const stock = new Calls(startStock(t, dns.address), origin, true);
  await Promise.all([ours.answeredBy(old), stock.answeredBy(old)]);
  // What was there from the start is refreshed once, and then changes at any moment of its time.
  await sleep(TTL * 1_000 * (1 + Math.random()));

  const changed = now();
  after(dns, young);
  await Promise.all([ours.answeredBy(young), stock.answeredBy(young)]);
  await sleep(2 * TTL * 1_000);
  await Promise.all([ours.stop(), stock.stop()]);
  const [last, lastOfStock] = [ours, stock].map((calls) => calls.lastTo(old, changed)) as [number, number];
  t.diagnostic(`${Math.round(last)} ms later the last went to what was; stock ${Math.round(lastOfStock)} ms`);
  assert.deepEqual(ours.failures, []);
  assert.deepEqual(stock.failures, []);
  assert.ok(last <= TTL * 1_000 + LEEWAY, `${last} ms later`);
}
