// What does each way to call a Service cost?
//
// The same requests to the same five addresses, one nginx process, each way in turns: as fast as they go for
// the requests a second and the CPU time of each, and at one even rate for the latencies. All of them share
// this machine, as sidecars share a node.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startDnsServer } from '../test/support/dns-server.ts';
import { atExit } from './support/at-exit.ts';
import {
  availableContenders,
  behind,
  CONTENDERS,
  type Contender,
  type Start,
} from './support/comparison/contenders.ts';
import { NAME, type ServiceView } from './support/comparison/service.ts';
import { startStaticNginxProxy } from './support/comparison/sidecars.ts';
import { flatOut, steadily } from './support/load.ts';
import { startNginx } from './support/nginx.ts';
import { progress, report } from './support/report.ts';
import { interleave } from './support/rounds.ts';
import { median, quantile, ratios } from './support/statistics.ts';

const CONCURRENCY = 50;
const REQUESTS = 3_000;
const TURNS = 2;
const WARM_UP = 5;
/** Requests a second at which latencies are compared, and seconds that a turn of that takes. */
const RATE = 3_000;
const STEADY = 0.5;
/** Seconds before that for connections to be made: they are idle while it's the others' turns. */
const SETTLING = 0.2;
const OPTIONS = { maxAge: 60_000, connections: CONCURRENCY };
/** How many times the requests a second of HAProxy's. */
const BAR = 1.4;
const [OURS, THEIRS] = ['evenkeel, headless', 'HAProxy sidecar'];
/** Milliseconds: what the kernel counts CPU time in. */
const TICK = 10;

const { values: args } = parseArgs({
  options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '25' } },
});
const rounds = Number(args.rounds);

const { addresses, port, stop } = await startNginx({ addresses: 5 });
const dns = await startDnsServer({ after: (fn) => atExit(() => void fn()) });
dns.set(NAME, addresses, { ttl: 1 });
const service: ServiceView = { addresses, port, most: addresses.length, dns };

/** nginx that follows DNS keeps no connections to the pods, so here it is told them. */
const staticNginx: Start = async (service) => behind(await startStaticNginxProxy(service));

class Way {
  readonly name: string;
  readonly #contender: Contender;
  /** Milliseconds: of CPU that its proxy took, and of each request. */
  proxyCpu = 0;
  latencies: number[] = [];

  constructor(name: string, contender: Contender) {
    this.name = name;
    this.#contender = contender;
  }

  readonly send = async (): Promise<void> => {
    const startedAt = performance.now();
    await this.#contender.send();
    this.latencies.push(performance.now() - startedAt);
  };

  async turn(): Promise<void> {
    const before = cpuOf(this.#contender.proxy);
    await flatOut(this.send, REQUESTS, CONCURRENCY);
    this.proxyCpu += cpuOf(this.#contender.proxy) - before;
  }

  async steadily(): Promise<void> {
    const before = this.latencies.length;
    await steadily(this.send, RATE, SETTLING);
    this.latencies.length = before;
    await steadily(this.send, RATE, STEADY);
  }

  close(): Promise<void> {
    return this.#contender.close();
  }
}

const ways: Way[] = [];
for (const name of availableContenders()) {
  const start = name === 'nginx sidecar' ? staticNginx : CONTENDERS[name]!;
  ways.push(new Way(name, await start(service, OPTIONS)));
}

const costs = await interleave(ways, { title: 'cost', rounds, warmUp: WARM_UP, turns: TURNS });
for (const way of ways) way.latencies = [];
for (let round = 0; round < rounds; round++) {
  progress(`cost: latencies, round ${round + 1} of ${rounds}`);
  for (const way of round % 2 === 0 ? ways : ways.toReversed()) await way.steadily();
}

const measured = ways.map(({ name, proxyCpu, latencies }, index) => {
  const times = costs[index]!.map(({ wall }) => wall);
  const perRequest = (milliseconds: number) => (milliseconds * 1_000) / (REQUESTS * TURNS);
  return {
    name,
    times,
    rate: (REQUESTS * TURNS * 1_000) / median(times),
    cpu: perRequest(median(costs[index]!.map(({ cpu }) => cpu))),
    proxyCpu: perRequest(proxyCpu / (rounds + WARM_UP)),
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
  };
});
for (const { name, times: _, ...figures } of measured) {
  const { rate, cpu, proxyCpu, p50, p99 } = figures;
  report({
    bench: 'cost',
    case: name,
    value: Math.round(rate),
    text:
      `${rate.toFixed(0)} requests/s at concurrency ${CONCURRENCY}; CPU ${cpu.toFixed(0)} µs` +
      `${proxyCpu > 0 ? ` + ${proxyCpu.toFixed(0)} µs of the proxy` : ''} a request; ` +
      `p50/p99 ${p50.toFixed(2)}/${p99.toFixed(2)} ms at ${RATE} requests/s`,
    detail: figures,
  });
}
const ours = measured.find(({ name }) => name === OURS)!;
const theirs = measured.find(({ name }) => name === THEIRS);
if (theirs !== undefined) {
  const { median: middle, low, high } = ratios(theirs.times, ours.times);
  report({
    bench: 'cost',
    case: 'over HAProxy, requests/s',
    value: middle,
    bar: { atLeast: BAR },
    text: `${middle.toFixed(2)} times (${low.toFixed(2)}–${high.toFixed(2)}) as many`,
  });
  for (const quantile of ['p50', 'p99'] as const) {
    report({
      bench: 'cost',
      case: `over HAProxy, ${quantile}`,
      value: ours[quantile] / theirs[quantile],
      bar: { atMost: 1 },
      text: `${ours[quantile].toFixed(2)} ms against ${theirs[quantile].toFixed(2)} ms`,
    });
  }
}
await Promise.all(ways.map((way) => way.close()));
stop();
process.exit();

/** CPU time that a process has taken, in milliseconds. 0 where Linux doesn't tell. */
function cpuOf(pid: number | undefined): number {
  if (pid === undefined) return 0;
  try {
    // What precedes may have spaces, but for the last parenthesis. See proc_pid_stat(5): utime and stime.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK;
  } catch {
    return 0;
  }
}
