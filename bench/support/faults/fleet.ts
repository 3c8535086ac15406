import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Peer } from '../../../test/netns/bed/peer.ts';
import { freePort, loopbackAddresses } from '../loopback.ts';
import { type Behaviour, HEALTHY, type PodSpec } from './behaviour.ts';
import type { Place } from './place.ts';
import type { PodMethods } from './pod-process.ts';

const SCRIPT = new URL('./pod-process.ts', import.meta.url);

/** A pod: a process that can be killed, and started again in its place. */
export class Pod {
  readonly spec: PodSpec;
  readonly #place: Place;
  #child: ChildProcess | undefined;
  #peer: Peer<PodMethods> | undefined;
  /** Of the processes before this one. */
  #requests = 0;

  constructor(place: Place, spec: PodSpec) {
    this.#place = place;
    this.spec = spec;
  }

  async start(): Promise<void> {
    this.#child = this.#place.fork(SCRIPT);
    this.#peer = new Peer<PodMethods>(this.#child);
    await this.#peer.call('start', this.spec);
  }

  /** As a node that runs out of memory does it. */
  async kill(): Promise<void> {
    const ended = once(this.#child!, 'exit');
    this.#child!.kill('SIGKILL');
    await ended;
  }

  /** In good order: what is under way ends, then the process does. */
  async stop(): Promise<void> {
    await this.refuse();
    this.#requests += await this.#peer!.call('requests');
    await this.kill();
  }

  behave(behaviour: Partial<Behaviour>): Promise<void> {
    return this.#peer!.call('behave', { ...HEALTHY, ...behaviour });
  }

  /** Refuses connections from now on; those there are end when their requests do. */
  refuse(): Promise<void> {
    return this.#peer!.call('leave');
  }

  /** Ends what `refuse` began. */
  accept(): Promise<void> {
    return this.#peer!.call('listen');
  }

  /** Requests so far; those of a process that was killed don't count. */
  async requests(): Promise<number> {
    return this.#requests + (await this.#peer!.call('requests'));
  }
}

/** Starts pods on addresses of their own and one port, which all are well. */
export async function startFleet(place: Place, count: number): Promise<readonly Pod[]> {
  const addresses = loopbackAddresses(count);
  const port = await freePort(addresses[0]!);
  const pods = addresses.map((address, n) => new Pod(place, { name: `pod-${n + 1}`, address, port }));
  await Promise.all(pods.map((pod) => pod.start()));
  return pods;
}
