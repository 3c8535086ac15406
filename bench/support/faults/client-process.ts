// The app: it sends requests by way of one contender at a time.

import type { EndpointAddress } from '../../../src/core/discovery/resolver.ts';
import { serve } from '../../../test/netns/bed/peer.ts';
import { type AbortsReport, abortAtRandom } from './aborts.ts';
import { type Contender, createClient, Membership } from './contenders.ts';
import { Load, type Sample } from './load.ts';

export interface LoadSpec {
  readonly contender: Contender;
  readonly origin: string;
  readonly endpoints: readonly EndpointAddress[];
  /** Requests a second. */
  readonly rate: number;
}

let members: Membership;
let load: Load;

const methods = {
  start({ contender, origin, endpoints, rate }: LoadSpec): void {
    members = new Membership(endpoints);
    load = new Load(createClient(contender, origin, members), rate);
  },

  /** Tells the contender which pods are ready. */
  publish(endpoints: readonly EndpointAddress[]): void {
    members.set(endpoints);
  },

  stop: (patience: number): Promise<readonly Sample[]> => load.stop(patience),

  aborts: (origin: string, endpoints: readonly EndpointAddress[], count: number): Promise<AbortsReport> =>
    abortAtRandom(origin, endpoints, count),
};

export type ClientMethods = typeof methods;

serve(methods);
