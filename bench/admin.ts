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
import { compareCpu } from './support/compare-cpu.ts';
import { flatOut } from './support/load.ts';
import { startNginx } from './support/nginx.ts';
import type { Contestant } from './support/rounds.ts';

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
  const { endpoints, origin } = nginx;
  const agent = new BalancedAgent({ discovery: staticResolver(endpoints) });
  const options = { origin, path: '/', method: 'GET' } as const;
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
  await compareCpu(contestants, {
    bench: 'admin',
    title: `concurrency ${CONCURRENCY}`,
    rounds: Number(args.rounds),
    warmUp: 2,
    turns: TURNS,
    requests: REQUESTS,
    bars: [{ atMost: IDLE_BAR }, { atMost: WATCHED_BAR }],
  });
  viewer.kill();
  await agent.close();
  nginx.stop();
}
