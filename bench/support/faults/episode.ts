import { setTimeout as delay } from 'node:timers/promises';
import type { EndpointAddress } from '../../../src/core/discovery/resolver.ts';
import type { Peer } from '../../../test/netns/bed/peer.ts';
import type { ClientMethods } from './client-process.ts';
import type { Contender } from './contenders.ts';
import type { Pod } from './fleet.ts';
import { monotonic } from './monotonic.ts';
import { Outcome } from './outcome.ts';
import type { Place } from './place.ts';
import { isSidecar, startSidecar } from './sidecars.ts';
import type { Fault } from './table.ts';

export interface Setting {
  readonly place: Place;
  readonly client: Peer<ClientMethods>;
  readonly pods: readonly Pod[];
  /** Seconds that a fault lasts. */
  readonly seconds: number;
}

/** The name of the service: nobody looks it up. */
export const HOSTNAME = 'orders.test';

/** Requests a second. */
const RATE = 500;
/** Seconds: connections are made, and code is compiled. */
const WARM_UP = 1.5;
/** What of the fault's length is measured before it, and after it. */
const BEFORE = 0.5;
const AFTER = 0.3;
/** Milliseconds for requests to end in: what waits for a retransmission comes late. */
const PATIENCE = 10_000;

/** Lets one contender suffer one fault, under a load that goes on from before it to after it. */
export async function play(fault: Fault, contender: Contender, setting: Setting): Promise<Outcome> {
  const { place, client, pods, seconds } = setting;
  const victim = pods[2]!;
  const sidecar = isSidecar(contender) ? await startSidecar(contender, place, endpointsOf(pods)) : undefined;
  const origin = sidecar?.origin ?? originOf(pods);
  await client.call('start', { contender, origin, endpoints: endpointsOf(pods), rate: RATE });
  await delay(WARM_UP * 1_000);
  const from = monotonic();
  await delay(seconds * BEFORE * 1_000);

  const earlier = await requestsOf(pods);
  let faultFrom = 0;
  await fault.play(
    {
      place,
      pods,
      victim,
      begun() {
        faultFrom = monotonic();
      },
      publish: (ready) => client.call('publish', endpointsOf(ready)),
    },
    seconds,
  );
  const faultTo = monotonic();
  const later = await requestsOf(pods);
  await delay(seconds * AFTER * 1_000);
  const samples = await client.call('stop', PATIENCE);
  await sidecar?.stop();
  return new Outcome({
    samples,
    from,
    faultFrom,
    faultTo,
    victim: victim.spec.name,
    attempts: later.map((count, n) => Math.max(0, count - earlier[n]!)),
  });
}

export function originOf(pods: readonly Pod[]): string {
  return `http://${HOSTNAME}:${pods[0]!.spec.port}`;
}

export function endpointsOf(pods: readonly Pod[]): readonly EndpointAddress[] {
  return pods.map(({ spec: { address, port } }) => ({ address, port }));
}

function requestsOf(pods: readonly Pod[]): Promise<number[]> {
  return Promise.all(pods.map((pod) => pod.requests()));
}
