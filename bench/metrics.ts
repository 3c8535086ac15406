// What do metrics cost a request?
//
// The same agent sends the same requests, without metrics and with them. With them, they are collected
// once a turn: several times a second, where Prometheus would ask every fifteen seconds or so. `control`
// is one more without: how far it strays from 1 is the noise.

import { parseArgs } from 'node:util';
import { Registry } from 'prom-client';
import { staticResolver } from '../src/core/discovery/static.ts';
import { instrument as instrumentOpenTelemetry } from '../src/telemetry/opentelemetry.ts';
import { instrument as instrumentPrometheus } from '../src/telemetry/prometheus.ts';
import { BalancedAgent } from '../src/transports/undici/agent.ts';
import { Meter } from '../test/support/meter.ts';
import { compareCpu } from './support/compare-cpu.ts';
import { flatOut } from './support/load.ts';
import { startNginx } from './support/nginx.ts';
import type { Contestant } from './support/rounds.ts';

const CONCURRENCY = 100;
/** In one round: a second's worth, or so. */
const REQUESTS = 45_000;
/** In one round. */
const TURNS = 9;
const AT_MOST = 1.03;

const { values: args } = parseArgs({
  options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '25' } },
});

const nginx = await startNginx({ addresses: 5 });
const { endpoints, origin } = nginx;
const agent = new BalancedAgent({ discovery: staticResolver(endpoints) });
const options = { origin, path: '/', method: 'GET' } as const;
const send = async () => (await agent.request(options)).body.dump();
const sendAll = () => flatOut(send, REQUESTS / TURNS, CONCURRENCY);

const meter = new Meter();
const { meterProvider } = meter;
const registry = new Registry();

const contestants: Contestant[] = [
  { name: 'without', turn: sendAll },
  { name: 'control', turn: sendAll },
  {
    name: 'OpenTelemetry',
    prepare: () => instrumentOpenTelemetry({ meterProvider, byEndpoint: true }),
    turn: async () => {
      await sendAll();
      await meter.collect();
    },
  },
  {
    name: 'Prometheus',
    prepare: () => instrumentPrometheus({ registry, byEndpoint: true }),
    turn: async () => {
      await sendAll();
      await registry.metrics();
    },
  },
];
await compareCpu(contestants, {
  bench: 'metrics',
  title: `concurrency ${CONCURRENCY}`,
  rounds: Number(args.rounds),
  warmUp: 4,
  turns: TURNS,
  requests: REQUESTS,
  bars: [{ atMost: AT_MOST }, { atMost: AT_MOST }],
});
await meterProvider.shutdown();
await agent.close();
nginx.stop();
