// Is the memory of origins that are no longer used given back?
//
// Ten thousand origins are asked once each; then nothing is.

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { staticResolver } from '../src/core/discovery/static.ts';
import { BalancedAgent } from '../src/transports/undici/agent.ts';
import { flatOut } from './support/load.ts';
import { startNginx } from './support/nginx.ts';
import { progress, report } from './support/report.ts';

const ORIGINS = 10_000;
const IDLE_TIMEOUT = 10_000;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as (options: object) => Promise<void>;

parseArgs({ options: { json: { type: 'boolean' } } });
const nginx = await startNginx({ addresses: 1 });
const [address, port] = [nginx.addresses[0]!, nginx.port];
const agent = new BalancedAgent({
  discovery: staticResolver([{ address, port }]),
  originIdleTimeout: IDLE_TIMEOUT,
});
let sent = 0;

await ask('start');
const start = await heap();
await flatOut(() => ask(`s${sent++}`), ORIGINS, 20);
await retained('right after 10,000 origins');
await delay(IDLE_TIMEOUT / 2);
await retained('5 s later');
while (Object.keys(agent.stats).length > 0) await delay(100);
// Services that are dropped close their connections first.
await delay(1_000);
await retained('when origins have timed out', { atMost: 5 });
await agent.close();
nginx.stop();

async function ask(name: string): Promise<void> {
  if (sent % 1_000 === 0) progress(`origins: ${sent} of ${ORIGINS}`);
  const { body } = await agent.request({ origin: `http://${name}.test:${port}`, path: '/', method: 'GET' });
  await body.dump();
}

/** Megabytes of heap in use, garbage aside. */
async function heap(): Promise<number> {
  for (let i = 0; i < 3; i++) await collectGarbage({ type: 'major', execution: 'async' });
  return process.memoryUsage().heapUsed / 2 ** 20;
}

async function retained(title: string, bar?: { atMost: number }): Promise<void> {
  const origins = Object.keys(agent.stats).length;
  const megabytes = (await heap()) - start;
  report({
    bench: 'origins',
    case: title,
    value: megabytes,
    bar,
    text: `${megabytes.toFixed(2)} MB over the start's ${start.toFixed(1)} MB, ${origins} origins known`,
    detail: { start, origins, rss: process.memoryUsage().rss / 2 ** 20 },
  });
}
