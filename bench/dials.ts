// How many requests wait for a connection to be dialled?
//
// Arrivals at an even rate, slow enough for connections to idle out: the pods advertise 5 s. A pod says
// with each response when the connection it came by was made; a request that was sent earlier than that
// has waited. Stock sends to one pod of its own, as a ClusterIP would have it.

import { parseArgs } from 'node:util';
import { Agent, type Dispatcher } from 'undici';
import { staticResolver } from '../src/core/discovery/static.ts';
import { BalancedAgent } from '../src/transports/undici/agent.ts';
import { SERVER_NAME } from './support/certificate.ts';
import { steadily } from './support/load.ts';
import { type PodAnswer, type PodCounters, startPods } from './support/pods.ts';
import { progress, report } from './support/report.ts';
import { quantile } from './support/statistics.ts';

interface Scenario {
  name: string;
  pods: number;
  tls: boolean;
  /** Requests a second. */
  rate: number;
  maxConnectionDuration?: string;
}

const SCENARIOS: readonly Scenario[] = [
  { name: '100 TLS pods at 5 rps', pods: 100, tls: true, rate: 5 },
  { name: '10 pods at 1 rps', pods: 10, tls: false, rate: 1 },
  { name: '1 pod at 1 rps', pods: 1, tls: false, rate: 1 },
  { name: '10 pods at 50 rps, rotating', pods: 10, tls: false, rate: 50, maxConnectionDuration: '5s' },
];
const MOST_WAITING = 2;

interface Outcome {
  requests: number;
  waited: number;
  latencies: number[];
}

const { values: args } = parseArgs({
  options: { json: { type: 'boolean' }, seconds: { type: 'string', default: '60' } },
});
const seconds = Number(args.seconds);
const outcomes = await Promise.all(SCENARIOS.map((scenario, index) => play(scenario, index === 0)));
SCENARIOS.forEach((scenario, index) => {
  tell(scenario, outcomes[index]!);
});

async function play(scenario: Scenario, showsProgress: boolean) {
  const pods = await startPods({ count: scenario.pods + 1, tls: scenario.tls });
  const [stockAddress, ...ourAddresses] = pods.addresses;
  const { port } = pods;
  const connect = pods.certificate && { ca: pods.certificate.cert, servername: SERVER_NAME };
  const scheme = pods.certificate ? 'https' : 'http';
  const ours = new BalancedAgent({
    discovery: staticResolver(ourAddresses.map((address) => ({ address, port }))),
    ...(connect && { connect }),
    ...(scenario.maxConnectionDuration && { maxConnectionDuration: scenario.maxConnectionDuration }),
  });
  const stock = new Agent({ ...(connect && { connect }) });
  const [ourOutcome, stockOutcome] = await Promise.all([
    measure(ours, `${scheme}://${SERVER_NAME}:${port}`, scenario.rate, showsProgress),
    measure(stock, `${scheme}://${stockAddress}:${port}`, scenario.rate, false),
  ]);
  const counters = await pods.counters();
  await Promise.all([ours.close(), stock.close()]);
  pods.stop();
  return {
    ours: { ...ourOutcome, ...sum(counters, ourAddresses) },
    stock: { ...stockOutcome, ...sum(counters, [stockAddress!]) },
  };
}

async function measure(
  agent: Dispatcher,
  origin: string,
  rate: number,
  showsProgress: boolean,
): Promise<Outcome> {
  const outcome: Outcome = { requests: 0, waited: 0, latencies: [] };
  const send = async () => {
    const sentAt = process.hrtime.bigint();
    const { body } = await agent.request({ origin, path: '/', method: 'GET' });
    const { connectedAt } = (await body.json()) as PodAnswer;
    outcome.requests++;
    if (BigInt(connectedAt) > sentAt) outcome.waited++;
    outcome.latencies.push(Number(process.hrtime.bigint() - sentAt) / 1e6);
  };
  await steadily(send, rate, seconds, (elapsed) => {
    if (showsProgress) progress(`dials: ${elapsed} of ${seconds} s`);
  });
  return outcome;
}

function sum(counters: Record<string, PodCounters>, addresses: readonly string[]) {
  const total = { pods: 0, connections: 0, handshakes: 0, resumed: 0 };
  for (const address of addresses) {
    const { requests, connections, handshakes, resumed } = counters[address]!;
    total.pods += requests > 0 ? 1 : 0;
    total.connections += connections;
    total.handshakes += handshakes;
    total.resumed += resumed;
  }
  return total;
}

function tell({ name }: Scenario, { ours, stock }: Awaited<ReturnType<typeof play>>): void {
  const [our, their] = [ours, stock].map(({ latencies, ...rest }) => ({
    ...rest,
    share: (rest.waited / rest.requests) * 100,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
  }));
  report({
    bench: 'dials',
    case: name,
    value: our!.share,
    bar: { atMost: MOST_WAITING },
    text: `${inWords(our!)}; stock ${inWords(their!)}`,
    detail: { ours: our, stock: their },
  });
}

function inWords(figures: {
  waited: number;
  requests: number;
  share: number;
  connections: number;
  p50: number;
  p99: number;
}): string {
  const { waited, requests, share, connections, p50, p99 } = figures;
  return (
    `${share.toFixed(1)} % waited (${waited} of ${requests}), ${connections} connections, ` +
    `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`
  );
}
