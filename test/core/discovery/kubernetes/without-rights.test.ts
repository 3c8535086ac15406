import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDnsServer } from '../../../support/dns-server.ts';
import { startPods } from '../../../support/pods.ts';
import { startStock } from '../../../support/stock-resolving.ts';
import { Calls, clusterIP, follow, LEEWAY, NAME, now, startApp } from './without-rights.ts';

describe('a Service whose cluster may not be read', { concurrency: 3 }, () => {
  test('without rights, a Service recreated with another ClusterIP is followed within its time to live', (t) =>
    follow(t, clusterIP, clusterIP));

  test('without rights, a Service that is away for a while fails nothing, and is followed within a second of its return', async (t) => {
    const [dns, [old, young]] = await Promise.all([startDnsServer(t), startPods(t, 2)]);
    clusterIP(dns, [old!]);
    const origin = `http://${NAME}:${old!.port}`;
    const ours = new Calls(await startApp(t, dns), origin, false);
    const stock = new Calls(startStock(t, dns.address), origin, true);
    await Promise.all([ours.answeredBy([old!]), stock.answeredBy([old!])]);
    dns.remove(NAME);
    await sleep(2_500);

    const back = now();
    clusterIP(dns, [young!]);
    await ours.answeredBy([young!]);
    await sleep(1_500);
    await Promise.all([ours.stop(), stock.stop()]);
    const last = ours.lastTo([old!], back);
    t.diagnostic(
      `${Math.round(last)} ms later the last went to what was; stock failed ${stock.failures.length}`,
    );
    assert.deepEqual(ours.failures, []);
    assert.ok(stock.failures.length > 0);
    assert.ok(last <= 1_000 + LEEWAY, `${last} ms later`);
  });
});
