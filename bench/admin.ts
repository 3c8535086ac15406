// What does the live page cost a request?
//
// The same agent sends the same requests: without the page, with it while nobody looks, and with one browser's worth of
// /events open from another process. `control` is one more without: how far it strays from 1 is the noise.

import { fork } from 'node:child_process';
import { get } from 'node:http';
import { parseArgs } from 'node:util';
import { AdminServer } from '../src/admin/admin-server.ts';
import { staticResolver } from '../src/core/discovery/static.ts';
import { BalancedAgent } from '../src/transports/undici/agent.ts';
import { flatOut } from './support/load.ts';
import { startNginx } from './support/nginx.ts';
import { report } from './support/report.ts';
import { type Contestant, interleave } from './support/rounds.ts';
import { median, ratios } from './support/statistics.ts';

const CONCURRENCY = 100;
/** In one round: several seconds, of which each has its moment for whoever watches. */
const REQUESTS = 90_000;
const TURNS = 3;
const PORT = 19_909;
const [IDLE_BAR, WATCHED_BAR] = [1.01, 1.03];

if (process.send === undefined) await measure();
else watch();

/** Watches whatever is served at the port, again and again. */
function watch(): void {
  get(`http://127.0.0.1:${PORT}/events`, (response) => response.resume().once('close', later)).once(
    'error',
    later,
  );
  function later() {
    setTimeout(watch, 50);
  }
}

async function measure(): Promise<void> {
  const { values: args } = parseArgs({
    options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '15' } },
  });
  const viewer = fork(import.meta.filename);
  const nginx = await startNginx({ addresses: 5 });
  const { addresses, port } = nginx;
  const agent = new BalancedAgent({
    discovery: staticResolver(addresses.map((address) => ({ address, port }))),
  });
  const options = { origin: `http://${addresses[0]}:${port}`, path: '/', method: 'GET' } as const;
  const send = async () => (await agent.request(options)).body.dump();
  const turn = () => flatOut(send, REQUESTS / TURNS, CONCURRENCY);
  const serve = (at: number) => () => {
    const server = AdminServer.open(`127.0.0.1:${at}`);
    return () => server.close();
  };
  const contestants: Contestant[] = [
    { name: 'without', turn },
    { name: 'control', turn },
    { name: 'on, nobody looks', turn, prepare: serve(PORT + 1) },
    { name: 'on, one page open', turn, prepare: serve(PORT) },
  ];
  const title = `concurrency ${CONCURRENCY}`;
  const costs = await interleave(contestants, {
    title,
    rounds: Number(args.rounds),
    warmUp: 2,
    turns: TURNS,
  });
  const [without, control, ...others] = costs.map((cost) => cost.map(({ cpu }) => cpu));
  const noise = ratios(control!, without!);
  for (const [index, cpu] of others.entries()) {
    const ratio = ratios(cpu, without!);
    const [each, plain] = [cpu, without!].map((cpus) => (median(cpus) * 1000) / REQUESTS);
    report({
      bench: 'admin',
      case: `${contestants[index + 2]!.name}, ${title}`,
      value: ratio.median,
      bar: { atMost: index === 0 ? IDLE_BAR : WATCHED_BAR },
      text:
        `CPU ${ratio.median.toFixed(3)} × (${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)}), ` +
        `control ${noise.median.toFixed(3)}; ${each!.toFixed(1)} µs a request against ${plain!.toFixed(1)}`,
      detail: { ratio, control: noise, microseconds: each, without: plain, rounds: Number(args.rounds) },
    });
  }
  viewer.kill();
  await agent.close();
  nginx.stop();
}
