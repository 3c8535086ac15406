import { createHook } from 'node:async_hooks';
import { getEventListeners } from 'node:events';
import { Readable } from 'node:stream';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { BalancedAgentOptions } from '../../../src/config/options.ts';
import type { EndpointAddress } from '../../../src/core/discovery/resolver.ts';
import { staticResolver } from '../../../src/core/discovery/static.ts';
import { BalancedAgent } from '../../../src/transports/undici/agent.ts';

/** What is left of requests that were aborted. */
export interface AbortsReport {
  aborted: number;
  /** Those that were faster than their aborts. */
  completed: number;
  /** Any other ends, by error code. */
  failures: Record<string, number>;
  /** Requests that wait, are under way, or count as in flight, while the agent lives on. */
  counted: number;
  /** Listeners for the caller's abort signals. */
  listeners: number;
  /** After the agent was closed. */
  sockets: number;
  timers: number;
}

/** Requests under way at a time. */
const AT_ONCE = 50;
/** Milliseconds after which a request is aborted, at most: somewhat more than it takes. */
const LATEST = 40;
/** What is left over may need a moment to go: undici's coarse timers tick twice a second. */
const SETTLING = 2_500;

/**
 * Sends requests and aborts each at a random moment, from before it is dispatched to after its response:
 * half of them to an agent that has connections for all, half where most wait.
 */
export async function abortAtRandom(
  origin: string,
  endpoints: readonly EndpointAddress[],
  count: number,
): Promise<AbortsReport> {
  const report: AbortsReport = {
    aborted: 0,
    completed: 0,
    failures: {},
    counted: 0,
    listeners: 0,
    sockets: 0,
    timers: 0,
  };
  for (const options of [{}, { connections: 2 }]) {
    await abortSome(report, options, origin, endpoints, count / 2);
  }
  return report;
}

async function abortSome(
  report: AbortsReport,
  options: BalancedAgentOptions,
  origin: string,
  endpoints: readonly EndpointAddress[],
  count: number,
): Promise<void> {
  const alive = watchResources();
  const agent = new BalancedAgent({ ...options, discovery: staticResolver(endpoints) });
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await sendAborted(agent, origin, report);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  // Requests that no one waits for any more end at the pods.
  await delay(100);
  for (const { size, pending, running, endpoints: rows } of Object.values(agent.stats)) {
    const inFlight = rows.reduce((sum, row) => sum + row.inFlight, 0);
    report.counted += size + pending + running + inFlight;
  }
  await agent.close();
  await delay(SETTLING);
  // This very timer has not gone yet.
  await nextTurn();
  report.sockets += alive.count('TCPWRAP');
  report.timers += alive.count('Timeout');
  alive.stop();
}

async function sendAborted(agent: BalancedAgent, origin: string, report: AbortsReport): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  if (Math.random() < 0.1) controller.abort();
  const timer = setTimeout(() => controller.abort(), Math.random() * LATEST);
  try {
    const response = await agent.request({ origin, path: '/orders', signal, ...randomRequest() });
    await response.body.dump();
    if (signal.aborted) report.aborted++;
    else report.completed++;
  } catch (error) {
    const { name, code = name } = error as NodeJS.ErrnoException;
    if (signal.aborted) report.aborted++;
    else report.failures[code] = (report.failures[code] ?? 0) + 1;
  }
  clearTimeout(timer);
  report.listeners += getEventListeners(signal, 'abort').length;
}

function randomRequest() {
  const chance = Math.random();
  if (chance < 0.5) return { method: 'GET' } as const;
  const body = chance < 0.75 ? 'tea' : Readable.from(['green ', 'tea']);
  return { method: 'POST', body } as const;
}

/** Counts what comes into being from now on, by the names of `node:async_hooks`; what is unref'd too. */
function watchResources() {
  const alive = new Map<number, string>();
  const hook = createHook({
    init: (id, type) => void alive.set(id, type),
    destroy: (id) => void alive.delete(id),
  }).enable();
  return {
    count: (wanted: string) => [...alive.values()].filter((type) => type === wanted).length,
    stop: () => void hook.disable(),
  };
}
