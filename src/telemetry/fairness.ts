import type { Clock } from '../core/base/clock.ts';
import type { Endpoint } from '../core/endpoints/endpoint.ts';
import type { EndpointSet } from '../core/endpoints/endpoint-set.ts';

/**
 * At least so many milliseconds are between two readings. If two readers take turns, they don't shorten each other's
 * intervals.
 */
const MIN_INTERVAL = 5_000;
/** With fewer requests for each endpoint, on average, chance alone would look unfair. */
const MIN_REQUESTS = 5;

/** A service, as far as its fairness needs it. */
export interface FairnessSource {
  readonly clock: Clock;
  readonly endpoints: Pick<EndpointSet<Endpoint>, 'known' | 'seesPods'>;
}

/**
 * How evenly the requests of one origin were spread over its endpoints since the last reading. Counts endpoints that
 * could get their share: known at both readings, and ready and warm at the second.
 */
export class Fairness {
  #readAt = Number.NEGATIVE_INFINITY;
  #requests = new Map<Endpoint, number>();
  #value: number | undefined;

  /** Jain's index since the last reading; `undefined` if pods can't be told apart, or if there were too few requests. */
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

/** Jain's fairness index: 1 if all have the same, 1/n if one of n has everything. https://arxiv.org/abs/cs/9809099 */
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
