import type { TestContext } from 'node:test';
import type { BalancedAgentOptions } from '../../src/config/options.ts';
import { jain } from '../netns/bed/evenness.ts';
import type { MemoryCall } from './memory-call.ts';
import type { MemoryPod, Reaction } from './memory-pod.ts';
import { MemoryService } from './memory-service.ts';
import type { MemoryWire } from './memory-transport.ts';
import { seededRandom } from './random.ts';

/** What a response says that pod `n` answers on a wire: its headers. */
export type Naming = (n: number, wire: MemoryWire, call: MemoryCall) => Record<string, string>;

/** The first response on each connection has the pod's name, as `evenkeel/identify` does it. */
export const identified: Naming = (n, { sent }) => (sent === 1 ? { 'evenkeel-pod': `pod-${n}` } : {});
export const nameless: Naming = () => ({});

export interface ClusterIpOptions {
  pods?: number;
  /** How many of them are behind it at first; default all. */
  ready?: number;
  naming?: Naming;
  multiplexes?: boolean;
  options?: BalancedAgentOptions;
  seed?: number;
}

/** A service with a ClusterIP, in memory: each connection leads to a pod drawn at random. */
export class MemoryClusterIp {
  readonly service: MemoryService;
  naming: Naming;
  /** Those behind it. */
  ready: readonly MemoryPod[];

  constructor(
    t: TestContext,
    {
      pods = 10,
      ready = pods,
      naming = identified,
      multiplexes = false,
      options = {},
      seed = 1,
    }: ClusterIpOptions,
  ) {
    this.service = new MemoryService(t, {
      pods,
      isKnown: false,
      multiplexes,
      seed,
      options: { originIdleTimeout: '1h', ...options },
    });
    this.naming = naming;
    this.ready = this.service.pods.slice(0, ready);
    const random = seededRandom(seed);
    this.service.transport.route = () => this.ready[Math.floor(random() * this.ready.length)];
    for (const [index, pod] of this.service.pods.entries()) {
      pod.react = (call, wire): Reaction => ({
        name: 'answer',
        after: 10,
        headers: this.naming(index, wire, call),
      });
    }
    this.service.resolver.set([{ endpoint: { address: '10.96.0.1', port: 80 } }], { virtual: true });
  }

  /** Requests at a steady rate. Says how many each pod had, and how many dials there were. */
  async run(perSecond: number, seconds: number): Promise<Seen> {
    const { pods, transport, calls, clock } = this.service;
    const before = pods.map(({ requests }) => requests);
    const [dials, begun, from] = [transport.dials.length, calls.length, clock.now()];
    await this.service.load(perSecond * seconds, 1_000 / perSecond);
    const took = (clock.now() - from) / 1_000;
    const requests = pods.map((pod, n) => pod.requests - before[n]!);
    return {
      requests,
      jain: jain(requests),
      dials: (transport.dials.length - dials) / took,
      failures: calls.slice(begun).filter(({ error }) => error !== undefined).length,
      waits: calls.slice(begun).filter(({ waits }) => waits > 0).length,
    };
  }
}

export interface Seen {
  readonly requests: readonly number[];
  /** Jain's fairness index of them. */
  readonly jain: number;
  /** A second. */
  readonly dials: number;
  readonly failures: number;
  /** Requests that waited. */
  readonly waits: number;
}
