import { isIP } from 'node:net';
import type { Settings } from '../config/settings.ts';
import { monotonicNow } from '../core/base/clock.ts';
import { withoutBrackets } from '../core/base/without-brackets.ts';
import { mostSlots } from '../core/connections/spread.ts';
import { formatAddress } from '../core/endpoints/endpoint-keys.ts';
import type { Sight } from './sight.ts';
import type { AddressTraffic, ClientName, OriginTraffic, Target, Traffic } from './traffic.ts';

/** What evenkeel observed since the last report: the message of the channel `evenkeel:observe:report`. */
export interface ObserveReport {
  /** The process that sent the requests. */
  readonly pid: number;
  /** How long the report looks back, in milliseconds. */
  readonly duration: number;
  /** The origins that evenkeel would balance, and those for which it doesn't know yet. */
  readonly origins: readonly OriginReport[];
  /** How many origins evenkeel would leave alone, and how many requests went to them. */
  readonly foreign: { readonly origins: number; readonly requests: number };
  /** Requests of node:http that evenkeel would leave to their agents, whatever their origin. */
  readonly nodeHttp: number;
  /** Requests that evenkeel balanced, through agents that your code passes. */
  readonly balanced: number;
  /** Requests to more origins than evenkeel watches (256). */
  readonly unwatched: number;
}

export interface OriginReport {
  readonly origin: string;
  /** Who sent the requests. If two clients call one origin, each has its own report. */
  readonly client: ClientName;
  readonly requests: number;
  readonly connections: {
    readonly open: number;
    /** How many connections carried a request. */
    readonly used: number;
    /** Milliseconds since the oldest open one was made. */
    readonly oldest: number;
  };
  readonly addresses: readonly AddressTraffic[];
  /** Jain's fairness index over the endpoints: 1 is even. `undefined` if one address hides the pods. */
  readonly fairness: number | undefined;
  /** How evenkeel would find the endpoints, such as `dns`. `undefined` if it found none. */
  readonly source: string | undefined;
  /** The endpoints that evenkeel would balance over, each `ip:port`. */
  readonly endpoints: readonly string[];
  /** What evenkeel would change, in words. */
  readonly change: string;
}

export interface ReportFacts {
  readonly traffic: Traffic;
  readonly sightOf: (target: Target) => Sight | undefined;
  readonly settings: Settings;
  /** How long the report looks back, in milliseconds. */
  readonly duration: number;
}

const MOST_ROWS = 20;
const ROTATION = 60_000;

/** Makes the report. */
export function makeReport({ traffic, sightOf, settings, duration }: ReportFacts): ObserveReport {
  const origins: OriginReport[] = [];
  const foreign = new Set<string>();
  let toForeign = 0;
  for (const seen of traffic.targets.values()) {
    if (seen.requests === 0) continue;
    const sight = sightOf(seen);
    if (sight?.managed === false) {
      foreign.add(seen.origin);
      toForeign += seen.requests;
    } else origins.push(reportOn(seen, sight, settings));
  }
  return {
    pid: process.pid,
    duration,
    origins,
    foreign: { origins: foreign.size, requests: toForeign },
    nodeHttp: traffic.leftToNode,
    balanced: traffic.balanced,
    unwatched: traffic.unwatched,
  };
}

function reportOn(traffic: OriginTraffic, sight: Sight | undefined, settings: Settings): OriginReport {
  const now = monotonicNow();
  const endpoints = (sight?.endpoints ?? []).map(formatAddress);
  const addresses = [...traffic.addresses.values()].filter(
    ({ requests, connections }) => requests > 0 || connections > 0,
  );
  // The address of a Service stands for all its pods.
  const hidden = addresses.length === 1 && !endpoints.includes(addresses[0]!.address);
  const idle = hidden ? [] : endpoints.filter((endpoint) => !traffic.addresses.has(endpoint));
  const all = [...addresses.map((address) => ({ ...address })), ...idle.map(toIdle)];
  const report = {
    origin: traffic.origin,
    client: traffic.client,
    requests: traffic.requests,
    connections: {
      open: traffic.connections.size,
      used: traffic.used,
      oldest: Math.max(0, ...Array.from(traffic.connections, ({ openedAt }) => now - openedAt)),
    },
    addresses: all.sort((a, b) => b.requests - a.requests),
    fairness: hidden || all.length < 2 ? undefined : jain(all.map(({ requests }) => requests)),
    source: sight?.source,
    endpoints,
  };
  return { ...report, change: changeOf(report, hidden, sight, settings) };
}

function toIdle(address: string): AddressTraffic {
  return { address, requests: 0, connections: 0 };
}

function changeOf(
  { origin, client, requests, connections, endpoints }: Omit<OriginReport, 'change'>,
  hidden: boolean,
  sight: Sight | undefined,
  { spread, maxSpread, maxConnectionDuration = ROTATION }: Settings,
): string {
  if (sight === undefined) return 'there was no time to find out what evenkeel would see';
  if (sight.passive) return 'nothing: a service mesh balances here';
  if (endpoints.length === 0)
    return `evenkeel can't find it: ${sight.warning ?? 'discovery found no endpoint'}`;
  const share =
    requests < endpoints.length ? 'one or none' : `about ${Math.round(requests / endpoints.length)}`;
  const count = `${endpoints.length} ${endpoints.length === 1 ? 'pod' : 'pods'}`;
  if (endpoints.length > 1) {
    const reach = hidden
      ? `${count} are behind this address, ${reachOf(connections.used, endpoints.length)}; `
      : '';
    return `${reach}${subjectFor(client)} would choose one of ${count} for each ${nounFor(client)}, which makes ${share} each`;
  }
  if (isIP(withoutBrackets(new URL(origin).hostname)) !== 0) {
    const name = client === 'grpc' ? 'target' : 'URL';
    return `nothing: the ${name} has an address for a host, so there is nothing to choose from`;
  }
  if (sight.source === 'endpointslices') return 'one pod: there is nothing to balance';
  const cap = maxConnectionDuration > 0 ? `, none of them older than ${time(maxConnectionDuration)}` : '';
  const warning = sight.warning === undefined ? '' : ` (${sight.warning})`;
  return `evenkeel can see only one address: ${subjectFor(client, 'it')} would use up to ${mostSlots({ spread, maxSpread })} connections to it in turn${cap}, so that new pods behind it get their share${warning}`;
}

/** How many of the pods behind one address can have had requests. Each connection leads to one pod. */
function reachOf(connections: number, pods: number): string {
  if (connections >= pods) return `and chance chose one for each of ${connections} connections`;
  return connections === 1
    ? 'and one connection reached one'
    : `and ${connections} connections reached ${connections} at most`;
}

/** https://arxiv.org/abs/cs/9809099 */
function jain(values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0);
  const squares = values.reduce((total, value) => total + value * value, 0);
  return squares === 0 ? 1 : (sum * sum) / (values.length * squares);
}

/** Whether there was any traffic. */
export function hasTraffic({ origins, foreign, nodeHttp, balanced, unwatched }: ObserveReport): boolean {
  return origins.length > 0 || foreign.origins > 0 || nodeHttp > 0 || balanced > 0 || unwatched > 0;
}

/** A report for people, in lines. */
export function linesOf(report: ObserveReport): string[] {
  const { pid, duration, origins, foreign, nodeHttp, balanced, unwatched } = report;
  if (!hasTraffic(report))
    return [`evenkeel observed the last ${time(duration)} of process ${pid}: no traffic seen`];
  const others = foreign.origins === 1 ? '1 other origin' : `${foreign.origins} other origins`;
  return [
    `evenkeel observed the last ${time(duration)}, and changed nothing${balanced > 0 ? ' else' : ''}:`,
    ...origins.flatMap(linesOn),
    ...(foreign.origins > 0
      ? [`  ${requests(foreign.requests)} to ${others}, which evenkeel would leave alone`]
      : []),
    ...(nodeHttp > 0
      ? [`  ${requests(nodeHttp)} of node:http, which evenkeel would leave to their agents`]
      : []),
    ...(balanced > 0
      ? [`  ${requests(balanced)} that evenkeel balanced, through agents that the code passes`]
      : []),
    ...(unwatched > 0 ? [`  ${requests(unwatched)} to more origins than are watched at a time`] : []),
  ];
}

function linesOn({ origin, client, addresses, fairness, source, change, ...report }: OriginReport): string[] {
  const { open, oldest } = report.connections;
  const age = open > 0 ? `, the oldest for ${time(oldest)}` : '';
  const noun = nounFor(client);
  const by = client === 'node:http' || client === 'connect' ? ` (${client})` : '';
  const shown = addresses.slice(0, MOST_ROWS);
  const widths = [
    Math.max(...shown.map(({ address }) => address.length)),
    Math.max(...shown.map((row) => requests(row.requests, noun).length)),
  ] as const;
  return [
    `  ${origin}${by}: ${requests(report.requests, noun)}, ${connections(open)} open${age}`,
    ...shown.map(
      (row) =>
        `    ${row.address.padEnd(widths[0])}  ${requests(row.requests, noun).padStart(widths[1])}  ${connections(row.connections)}`,
    ),
    ...(addresses.length > shown.length ? [`    and ${addresses.length - shown.length} more`] : []),
    ...(fairness === undefined
      ? []
      : [`    Jain's fairness ${fairness.toFixed(2)}${source === undefined ? '' : `, pods by ${source}`}`]),
    `    → ${change}`,
  ];
}

/** What this client sends: requests or calls. */
function nounFor(client: ClientName): string {
  return client === 'grpc' || client === 'connect' ? 'call' : 'request';
}

/** What would balance. For connect-node's calls that is `balancedSessions`, which the app must use. */
function subjectFor(client: ClientName, otherwise = 'evenkeel'): string {
  return client === 'connect' ? "evenkeel's balancedSessions" : otherwise;
}

function requests(count: number, noun = 'request'): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function connections(count: number): string {
  return count === 1 ? '1 connection' : `${count} connections`;
}

function time(milliseconds: number): string {
  const seconds = milliseconds / 1_000;
  if (seconds < 120) return `${Number(seconds.toFixed(seconds < 10 ? 1 : 0))} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
