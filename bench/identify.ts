// What does it cost a server to name itself?
//
// The smallest server there is, in processes with `evenkeel/identify` and without, in turns: so any other one loses a smaller part. Each turn
// begins with connections of its own, whose first responses have the header. The quickest turn of each process counts, for what else
// this machine does only adds to it. `control` is one more without: how far it strays from 1 is the noise.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { flatOut } from './support/load.ts';
import { progress, report } from './support/report.ts';
import { median, ratios } from './support/statistics.ts';

const CONNECTIONS = 32;
/** In one turn. */
const REQUESTS = 2_000;
/** Turns of each in one round, after those that don't count. */
const TURNS = 9;
const WARM_UP = 6;
const AT_MOST = 1.01;
const PRELOAD = new URL('../src/identify.ts', import.meta.url).href;
/** Without, once more without, and with it. */
const WAYS = [[], [], ['--import', PRELOAD]];
const PROTOCOLS = ['http', 'http2', 'http2 streams'] as const;
type Protocol = (typeof PROTOCOLS)[number];
const SERVER = new URL('./support/named-server.ts', import.meta.url);

const { values: args } = parseArgs({
  options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '15' } },
});
const rounds = Number(args.rounds);

interface Contestant {
  /** CPU time of the server in one turn, in microseconds. */
  turn(): Promise<number>;
  stop(): void;
}

for (const protocol of PROTOCOLS) {
  const [without, control, identified] = (await compare(protocol)) as [number[], number[], number[]];
  const [ratio, noise] = [ratios(identified, without), ratios(control, without)];
  const [each, plain] = [identified, without].map((cpus) => median(cpus) / REQUESTS);
  report({
    bench: 'identify',
    case: protocol,
    value: ratio.median,
    bar: { atMost: AT_MOST },
    text:
      `the server's CPU ${ratio.median.toFixed(3)} × (${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)}), ` +
      `control ${noise.median.toFixed(3)}; ${each!.toFixed(1)} µs a request against ${plain!.toFixed(1)}`,
    detail: { ratio, control: noise, microseconds: each, without: plain, rounds },
  });
}

/**
 * The CPU time of the quickest turn of each in each round, in microseconds. The processes are others in each round: what one makes of the machine code
 * is a few percent more or less.
 */
async function compare(protocol: Protocol): Promise<number[][]> {
  const costs: number[][] = WAYS.map(() => []);
  for (let round = 0; round < rounds; round++) {
    progress(`identify, ${protocol}: round ${round + 1} of ${rounds}`);
    const servers = await Promise.all(WAYS.map((execArgv) => start(protocol, execArgv)));
    const least = WAYS.map(() => Number.POSITIVE_INFINITY);
    for (let turn = -WARM_UP; turn < TURNS; turn++) {
      for (let n = 0; n < WAYS.length; n++) {
        const index = (n + turn + round + WARM_UP) % WAYS.length;
        const cost = await servers[index]!.turn();
        if (turn >= 0) least[index] = Math.min(least[index]!, cost);
      }
    }
    least.forEach((cost, index) => void costs[index]!.push(cost));
    for (const { stop } of servers) stop();
  }
  return costs;
}

async function start(protocol: Protocol, execArgv: string[]): Promise<Contestant> {
  const child = fork(SERVER, [protocol], { execArgv });
  const [port] = (await once(child, 'message')) as [number];
  const cpu = async () => {
    child.send('cpu');
    const [microseconds] = (await once(child, 'message')) as [number];
    return microseconds;
  };
  return {
    async turn() {
      const before = await cpu();
      const allowH2 = protocol !== 'http';
      const pool = new Pool(`http://127.0.0.1:${port}`, {
        connections: allowH2 ? 1 : CONNECTIONS,
        ...(allowH2 && { allowH2, useH2c: true, pipelining: CONNECTIONS }),
      });
      const send = async () => (await pool.request({ path: '/', method: 'GET' })).body.dump();
      await flatOut(send, REQUESTS, CONNECTIONS);
      await pool.close();
      return (await cpu()) - before;
    },
    stop: () => void child.kill(),
  };
}
