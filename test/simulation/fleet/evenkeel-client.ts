import type { BalancedAgentOptions } from '../../../src/config/options.ts';
import { resolveSettings } from '../../../src/config/resolve-settings.ts';
import type { Resolution } from '../../../src/core/discovery/resolver.ts';
import { Service } from '../../../src/core/service.ts';
import type { Actor } from '../agenda.ts';
import { SimulatedCall } from '../call.ts';
import { VIRTUAL } from '../discovery.ts';
import { Draws } from '../draws.ts';
import { micros } from '../time.ts';
import { SimulatedTransport } from '../transport.ts';
import type { Cluster } from './cluster.ts';
import type { Client, Latencies } from './fleet.ts';

/** How a client learns of pods. */
export type Sight = 'ClusterIP' | 'headless' | 'EndpointSlices';

/** Milliseconds for which an answer of a name server is good, and after which news of the API server are there. */
const TTL = 5_000;
const NEWS = 300;
const PORT = 80;

const ASKED = { repeatable: true, lasting: false, upgrades: false, keyHash: -1 };

/** The core, as one of many clients has it. */
export class EvenkeelClient implements Client, Actor {
  readonly #cluster: Cluster;
  readonly #latencies: Latencies;
  readonly #sight: Sight;
  readonly #service: Service;
  #version = 1;
  #wake: (() => void) | undefined = undefined;

  constructor(
    cluster: Cluster,
    n: number,
    latencies: Latencies,
    sight: Sight,
    options: BalancedAgentOptions,
  ) {
    const { world } = cluster;
    const { time, seed } = world;
    this.#cluster = cluster;
    this.#latencies = latencies;
    this.#sight = sight;
    const chance = new Draws().about(seed, n, 0xc4);
    const byAddress = new Map(cluster.pods.map((pod) => [pod.address, pod]));
    this.#service = new Service(
      {
        key: 'orders',
        url: new URL('http://orders.prod'),
        settings: resolveSettings({ ...options, clock: time, random: () => chance.next() }, {}),
        resolver: (_target, signal) => this.#follow(signal),
        transport: new SimulatedTransport(world, { multiplexes: false }, (address) =>
          address === VIRTUAL ? cluster.draw() : byAddress.get(address),
        ),
        identity: `client ${n}`,
      },
      { onConnectionError() {}, onDrain() {}, onIdle() {} },
    );
    // Each asks its name server in its own time.
    const phase = chance.next() * TTL;
    if (sight === 'headless') time.arrive(micros(phase), this, 0);
    if (sight === 'EndpointSlices') cluster.watchers.push(() => time.arrive(micros(NEWS), this, 0));
  }

  call(number: number): void {
    const { world } = this.#cluster;
    const { calls } = this.#service;
    this.#service.dispatch(new SimulatedCall(world, calls, this, number, ASKED), false);
  }

  onOver({ beganAt, statusCode }: SimulatedCall): void {
    this.#latencies.add((this.#cluster.world.time.micros - beganAt) / 1_000, statusCode !== 200);
  }

  /** There may be news. */
  happen(): void {
    this.#version++;
    this.#wake?.();
    if (this.#sight === 'headless') this.#cluster.world.time.arrive(micros(TTL), this, 0);
  }

  async *#follow(signal: AbortSignal): AsyncGenerator<Resolution> {
    for (let seen = 0; !signal.aborted; seen = this.#version) {
      if (seen === this.#version) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      yield this.#resolution;
    }
  }

  get #resolution(): Resolution {
    if (this.#sight === 'ClusterIP')
      return { endpoints: [{ address: VIRTUAL, port: PORT }], source: 'dns', virtual: true };
    const endpoints = this.#cluster.ready.map(({ address }) => ({ address, port: PORT }));
    return { endpoints, source: this.#sight, pushed: this.#sight === 'EndpointSlices' };
  }
}
