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
import { flatOut } from './support/load.ts';
import { startNginx } from './support/nginx.ts';
import { report } from './support/report.ts';
import { type Contestant, interleave } from './support/rounds.ts';
import { median, ratios } from './support/statistics.ts';

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
const { addresses, port } = nginx;
const agent = new BalancedAgent({
  discovery: staticResolver(addresses.map((address) => ({ address, port }))),
});
const options = { origin: `http://${addresses[0]}:${port}`, path: '/', method: 'GET' } as const;
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
const title = `concurrency ${CONCURRENCY}`;
const costs = await interleave(contestants, { title, rounds: Number(args.rounds), warmUp: 4, turns: TURNS });
const [without, control, ...others] = costs.map((cost) => cost.map(({ cpu }) => cpu));
const noise = ratios(control!, without!);
for (const [index, cpu] of others.entries()) {
  const ratio = ratios(cpu, without!);
  const [each, plain] = [cpu, without!].map((cpus) => (median(cpus) * 1000) / REQUESTS);
  report({
    bench: 'metrics',
    case: `${contestants[index + 2]!.name}, ${title}`,
    value: ratio.median,
    bar: { atMost: AT_MOST },
    text:
      `CPU ${ratio.median.toFixed(3)} × (${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)}), ` +
      `control ${noise.median.toFixed(3)}; ${each!.toFixed(1)} µs a request against ${plain!.toFixed(1)}`,
    detail: { ratio, control: noise, microseconds: each, without: plain, rounds: Number(args.rounds) },
  });
}
await meterProvider.shutdown();
await agent.close();
nginx.stop();
