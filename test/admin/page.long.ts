import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { AxeResults } from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { AdminServer } from '../../src/admin/admin-server.ts';
import { get, ManualResolver, startAgent } from '../support/agent.ts';
import { nextAddress, type Pod, startPods } from '../support/pods.ts';
import { startAdmin } from './visiting.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const WITH_CHROMIUM = { skip: existsSync(CHROMIUM) ? false : `there is no ${CHROMIUM}` };
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Milliseconds of the page's main thread a second. */
const MOST_CPU = 50;

type Open = (port: number, options?: Parameters<Browser['newPage']>[0]) => Promise<Page>;

/**
 * Starts a browser, to be done before all else of a test, so that it ends first. Until then, nothing but what is expected
 * may have been said on its console, or asked of anybody else.
 */
async function startBrowser(t: TestContext, expected = /^$/): Promise<Open> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  const said: string[] = [];
  t.after(async () => {
    await browser.close();
    assert.deepEqual(said, []);
  });
  const hear = (text: string) => {
    if (!expected.test(text)) said.push(text);
  };
  return async (port, options = {}) => {
    const page = await browser.newPage({ viewport: { width: 1240, height: 1000 }, ...options });
    page.on('console', (message) => hear(message.text()));
    page.on('pageerror', (error) => hear(String(error)));
    page.on('request', (request) => {
      if (!request.url().startsWith(`http://127.0.0.1:${port}/`)) hear(request.url());
    });
    await page.goto(`http://127.0.0.1:${port}/`);
    return page;
  };
}

/** Has callers send requests until the test ends. */
function busy(t: TestContext, send: () => Promise<unknown>, callers: number): void {
  let stopped = false;
  t.after(() => {
    stopped = true;
  });
  const call = async () => {
    while (!stopped) await send().catch(() => {});
  };
  for (let caller = 0; caller < callers; caller++) void call();
}

/** What axe-core finds that keeps people from using the page. */
async function obstacles(page: Page): Promise<string[]> {
  // By the debugger, which is past the page's own policy.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

const rows = (page: Page) => page.locator('table').first().locator('tbody tr');

/** Pods that take a few milliseconds. */
async function slowerPods(t: TestContext, count: number): Promise<Pod[]> {
  const pods = await startPods(t, count);
  for (const pod of pods) pod.respond = (_, response) => void setTimeout(() => response.end(), 5);
  return pods;
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(
    `3 pods under load become 10, and one of them fails: the page shows it as it happens (${colorScheme})`,
    WITH_CHROMIUM,
    async (t) => {
      const open = await startBrowser(t);
      const { port } = await startAdmin(t);
      const pods = await slowerPods(t, 10);
      const resolver = new ManualResolver(pods.slice(0, 3));
      const agent = startAgent(t, [], { discovery: resolver.resolve });
      busy(t, () => get(agent), 8);
      const page = await open(port, { colorScheme });
      await rows(page).nth(2).waitFor();
      assert.equal(await rows(page).count(), 3);

      let late = Number.POSITIVE_INFINITY;
      // A process may stand still while it is to tell, but does not each time.
      for (let n = 0; n < 5 && late >= 1_000; n++) {
        resolver.set(pods.slice(0, 3));
        await rows(page).nth(3).waitFor({ state: 'detached' });
        const scaledAt = performance.now();
        resolver.set(pods);
        await rows(page).nth(9).waitFor();
        late = performance.now() - scaledAt;
      }
      assert.ok(late < 1_000, `${late}`);

      const [bad] = pods;
      bad!.respond = (_, response) => void response.writeHead(503).end();
      const first = rows(page).first();
      await first.getByText(/^ejected for 503, \d+ s left$/).waitFor();
      assert.match(await first.innerText(), new RegExp(`^${bad!.address}:`));
      await page
        .locator('#log')
        .getByText(new RegExp(`${bad!.address}:${bad!.port} is ejected for 503, for \\d+ s`))
        .waitFor();
      assert.deepEqual(await obstacles(page), []);
    },
  );
}

test('all of the page is there for whoever has a keyboard alone', WITH_CHROMIUM, async (t) => {
  const open = await startBrowser(t);
  const { port } = await startAdmin(t);
  const agent = startAgent(t, await startPods(t, 60));
  await get(agent);
  const page = await open(port);
  await rows(page).first().waitFor();
  const reached = new Set<string>();
  for (let press = 0; press < 60; press++) {
    await page.keyboard.press('Tab');
    reached.add(
      await page.evaluate(() => {
        const { activeElement: at } = (globalThis as unknown as { document: unknown }).document as {
          activeElement: { innerText: string; name?: string; id: string };
        };
        return at.innerText || at.name || at.id;
      }),
    );
  }
  for (const name of ['Pause', 'Next ›', 'p99', 'Requests/s', 'ejections', '/metrics']) {
    assert.ok(
      [...reached].some((text) => text.trim().startsWith(name) || text === name),
      `${name} in ${[...reached].join('|')}`,
    );
  }
});

test('pods are found, sorted and paged', WITH_CHROMIUM, async (t) => {
  const open = await startBrowser(t);
  const { port } = await startAdmin(t);
  const pods = await startPods(t, 60);
  await get(startAgent(t, pods));
  const page = await open(port);
  await page.getByText('1 to 50 of 60').waitFor();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('51 to 60 of 60').waitFor();
  await page.getByRole('button', { name: 'Pod', exact: true }).click();
  assert.equal(await page.locator('th[aria-sort="ascending"]').innerText(), 'Pod');
  await page.getByRole('searchbox').fill(`${pods[41]!.address}:`);
  await page.getByText('1 to 1 of 1').waitFor();
  assert.match(await rows(page).first().innerText(), new RegExp(pods[41]!.address));
});

test('a process that has gone is said, and heard again when it is back', WITH_CHROMIUM, async (t) => {
  const open = await startBrowser(t, /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING/);
  const first = AdminServer.open('127.0.0.1:0');
  await first.ready;
  const { port } = first.address!;
  const page = await open(port);
  await page.getByText('No request has been balanced yet').waitFor();
  const link = page.locator('#link');
  await link.getByText('live').waitFor();
  first.close();
  await link.getByText('the process does not answer').waitFor();
  const second = AdminServer.open(`127.0.0.1:${port}`);
  t.after(() => second.close());
  await link.getByText('live').waitFor();
});

test('1,000 pods at 2,000 requests a second take little of the browser’s time', WITH_CHROMIUM, async (t) => {
  const open = await startBrowser(t);
  const { port } = await startAdmin(t);
  // One server for all of them: what there is to show is the same.
  const pod = createServer((_, response) => response.end()).listen(0, '0.0.0.0');
  await once(pod, 'listening');
  t.after(() => {
    pod.close();
    pod.closeAllConnections();
  });
  const [net] = nextAddress().match(/^127\.\d+/)!;
  const pods = Array.from({ length: 1_000 }, (_, index) => ({
    endpoint: {
      address: `${net}.${100 + (index >> 8)}.${index & 255}`,
      port: (pod.address() as AddressInfo).port,
    },
  }));
  const agent = startAgent(t, [], { discovery: new ManualResolver(pods).resolve });
  const requests = setInterval(() => {
    for (let count = 0; count < 20; count++) void get(agent).catch(() => {});
  }, 10);
  t.after(() => clearInterval(requests));
  const page = await open(port);
  await page.getByText('1 to 50 of 1,000').waitFor();
  const debug = await page.context().newCDPSession(page);
  await debug.send('Performance.enable', { timeDomain: 'threadTicks' });
  const spent = async () => {
    const { metrics } = await debug.send('Performance.getMetrics');
    return 1_000 * metrics.find(({ name }) => name === 'TaskDuration')!.value;
  };
  await page.waitForTimeout(3_000);
  const [before, startedAt] = [await spent(), performance.now()];
  await page.waitForTimeout(10_000);
  const perSecond = (1_000 * ((await spent()) - before)) / (performance.now() - startedAt);
  const rate = await page.locator('dd').first().innerText();
  t.diagnostic(`${perSecond.toFixed(1)} ms of the main thread a second, at ${rate} requests a second`);
  assert.ok(perSecond > 0 && perSecond < MOST_CPU, `${perSecond} ms a second`);
  assert.deepEqual(await obstacles(page), []);
});
