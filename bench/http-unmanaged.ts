// What do requests of node:http pay that evenkeel does not manage?
//
// With evenkeel installed, and without, in turns: two hosts are asked, neither of which it balances. What is put in the
// way is a function of http.Agent's prototype, which is taken out and put in again between turns.

import { Agent } from 'node:http';
import { parseArgs } from 'node:util';
import { install } from '../src/index.ts';
import { sendBy } from './support/http-calling.ts';
import { flatOut } from './support/load.ts';
import { startNginx } from './support/nginx.ts';
import { report } from './support/report.ts';
import { interleave } from './support/rounds.ts';
import { median, quantile } from './support/statistics.ts';

const REQUESTS = 6_000;
const CONCURRENCY = 10;
/** Microseconds. */
const BAR = 1;

const { values: args } = parseArgs({
  options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '40' } },
});

const nginx = await startNginx({ addresses: 2 });
const prototype = Agent.prototype as { addRequest?: unknown };
const stock = prototype.addRequest;
install({ hosts: ['!*'] });
const ours = prototype.addRequest;
const agent = new Agent({ keepAlive: true });
const requests = nginx.addresses.map((host) => ({ host, port: nginx.port, agent }));
let sent = 0;

const contestants = (['installed', 'without', 'control'] as const).map((name) => ({
  name,
  turn: () => flatOut(() => sendBy(requests[++sent % requests.length]!), REQUESTS / 4, CONCURRENCY),
  prepare() {
    prototype.addRequest = name === 'installed' ? ours : stock;
    return () => {
      prototype.addRequest = ours;
    };
  },
}));
const [installed, without, control] = await interleave(contestants, {
  title: 'http-unmanaged',
  rounds: Number(args.rounds),
  warmUp: 4,
  turns: 4,
});
const more = differences(installed!, without!);
const noise = differences(control!, without!);
report({
  bench: 'http-unmanaged',
  case: 'a request that is not managed',
  value: median(more),
  bar: { atMost: BAR },
  text:
    `${median(more).toFixed(2)} µs more (${quantile(more, 0.25).toFixed(2)} to ${quantile(more, 0.75).toFixed(2)}), ` +
    `control ${median(noise).toFixed(2)} µs`,
  detail: { more: median(more), control: median(noise), patched: ours !== stock },
});
agent.destroy();
nginx.stop();
process.exit();

/** Microseconds of CPU a request, round by round. */
function differences(some: readonly { cpu: number }[], others: readonly { cpu: number }[]): number[] {
  return some.map(({ cpu }, round) => ((cpu - others[round]!.cpu) * 1_000) / REQUESTS);
}
