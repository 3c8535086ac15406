import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { BalancedAgent } from '../../../../src/transports/undici/agent.ts';
import { type Behaviour, startDnsServer } from '../../../support/dns-server.ts';
import { startPod } from '../../../support/pods.ts';
import { startStock } from '../../../support/stock-resolving.ts';
import { startStopwatch } from '../../../support/stopwatch.ts';

const EVERY = 50;

/** Sends requests until one is served, none waiting for those before. Says when that was, by that watch. */
async function firstServed(dispatcher: Dispatcher, origin: string, watch: () => number): Promise<number> {
  const served = Promise.withResolvers<number>();
  let over = false;
  const ask = async () => {
    try {
      const { body } = await dispatcher.request({ origin, path: '/', method: 'GET' });
      await body.dump();
      served.resolve(watch());
      over = true;
    } catch {
      // Asked again below.
    }
  };
  while (!over) {
    void ask();
    await setTimeout(EVERY);
  }
  return served.promise;
}

/**
 * Tests, beside a stock client, with name servers that fail for so many milliseconds: each kind of failure, with a name
 * that is known and one that isn't.
 */
export function testOutages(duration: number): void {
  describe(`after ${duration} ms without name servers`, { concurrency: true }, () => {
    for (const [what, behaviour] of [
      ['SERVFAIL', { rcode: 'SERVFAIL' }],
      ['REFUSED', { rcode: 'REFUSED' }],
      ['silence', 'silent'],
    ] as readonly (readonly [string, Behaviour])[]) {
      for (const known of [false, true]) {
        const name = known ? 'a name whose pods were all replaced meanwhile' : 'an unknown name';
        test(`after ${what}, requests to ${name} are served as soon as a stock client's`, async (t) => {
          const dns = await startDnsServer(t);
          const old = await startPod(t);
          dns.set('orders.test', [old.address], { ttl: 1 });
          const agent = new BalancedAgent({ dns: { servers: [dns.address] } });
          t.after(() => agent.destroy());
          const stock = startStock(t, dns.address);
          const origin = `http://orders.test:${old.port}`;
          if (known)
            await Promise.all([agent, stock].map((one) => firstServed(one, origin, startStopwatch())));
          dns.misbehave('*', behaviour);
          await old.kill();
          const pod = await startPod(t, { port: old.port });
          dns.set('orders.test', [pod.address]);

          const watch = startStopwatch();
          const both = Promise.all([firstServed(agent, origin, watch), firstServed(stock, origin, watch)]);
          await setTimeout(duration);
          dns.behave('*');
          const back = watch();
          const [ours, stocks] = (await both).map((served) => Math.round(served - back)) as [number, number];
          t.diagnostic(`served ${ours} ms after the outage, stock ${stocks} ms`);
          assert.ok(ours <= stocks + 1_000, `${ours} ms, stock ${stocks} ms`);
        });
      }
    }
  });
}
