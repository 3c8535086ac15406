import { fork } from 'node:child_process';
import { once } from 'node:events';
import { atExit } from './at-exit.ts';
import { type Certificate, selfSigned } from './certificate.ts';
import { loopbackAddresses } from './loopback.ts';

/** What a pod says in the body of each response. */
export interface PodAnswer {
  address: string;
  /** When the connection was made, on the clock of `process.hrtime`, which processes share. */
  connectedAt: string;
}

export interface PodCounters {
  requests: number;
  connections: number;
  /** TLS handshakes, those that resumed a session included. */
  handshakes: number;
  resumed: number;
}

export interface PodsConfig {
  addresses: readonly string[];
  tls: { key: string; cert: string } | undefined;
  /** Milliseconds that a response of each takes on average; half as much at least. */
  delays: readonly number[];
  /** Whether the first response of each connection names the pod. */
  identified: boolean;
}

/** Servers in a process of their own, all on one port. They advertise Node's default keep-alive of 5 s. */
export interface Pods {
  addresses: readonly string[];
  port: number;
  certificate: Certificate | undefined;
  counters(): Promise<Record<string, PodCounters>>;
  stop(): void;
}

export async function startPods({
  count,
  tls = false,
  delay = 0,
  identified = false,
}: {
  count: number;
  tls?: boolean;
  /** Of all, or of each. */
  delay?: number | readonly number[];
  identified?: boolean;
}): Promise<Pods> {
  const addresses = loopbackAddresses(count);
  const delays = typeof delay === 'number' ? addresses.map(() => delay) : delay;
  const certificate = tls ? selfSigned() : undefined;
  const child = fork(new URL('./pods-process.ts', import.meta.url), { execArgv: [] });
  const stop = () => void child.kill();
  atExit(stop);
  child.send({ addresses, tls: certificate, delays, identified } satisfies PodsConfig);
  const [port] = (await once(child, 'message')) as [number];
  const counters = async () => {
    child.send('counters');
    const [answer] = (await once(child, 'message')) as [Record<string, PodCounters>];
    return answer;
  };
  return { addresses, port, certificate, counters, stop };
}
