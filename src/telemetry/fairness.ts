import type { Clock } from '../core/base/clock.ts';
import type { Endpoint } from '../core/endpoints/endpoint.ts';
import type { EndpointSet } from '../core/endpoints/endpoint-set.ts';

/** Milliseconds that an interval lasts at least: two that ask in turns do not cut each other's short. */
const MIN_INTERVAL = 5_000;
/** Requests for each endpoint, on average, below which chance alone would look unfair. */
const MIN_REQUESTS = 5;

/** A service, as its fairness is read from it. */
export interface FairnessSource {
  readonly clock: Clock;
  readonly endpoints: Pick<EndpointSet<Endpoint>, 'known' | 'seesPods'>;
}

/**
 * How evenly one origin's requests were spread over its endpoints from one reading to the next. It counts
 * those that could have had their share: known at both ends, and ready and kept warm at the second.
 */
export class Fairness {
  #readAt = Number.NEGATIVE_INFINITY;
  #requests = new Map<Endpoint, number>();
  #value: number | undefined;

  /** Jain's index since the last reading; none where pods cannot be told apart, or requests were few. */
  read(services: Iterable<FairnessSource>): number | undefined {
    const [first] = services;
    if (first === undefined) return undefined;
    const now = first.clock.now();
    if (now - this.#readAt < MIN_INTERVAL) return this.#value;
    const before = this.#requests;
    const shares = new Map<string, number>();
    this.#readAt = now;
    this.#requests = new Map();
    for (const { endpoints } of services) {
      if (!endpoints.seesPods) continue;
      for (const endpoint of endpoints.known) {
        const { key, requests, warm, condition } = endpoint;
        this.#requests.set(endpoint, requests);
        const then = before.get(endpoint);
        if (then === undefined || !warm || condition !== 'ready') continue;
        shares.set(key, (shares.get(key) ?? 0) + requests - then);
      }
    }
    this.#value = jain([...shares.values()]);
    return this.#value;
  }
}

/**
 * Jain's fairness index: 1 when all have as much, 1/n when one of n has everything.
 * https://arxiv.org/abs/cs/9809099
 */
function jain(loads: readonly number[]): number | undefined {
  let sum = 0;
  let squares = 0;
  for (const load of loads) {
    sum += load;
    squares += load * load;
  }
  return loads.length > 0 && sum >= MIN_REQUESTS * loads.length
    ? (sum * sum) / (loads.length * squares)
    : undefined;
}
