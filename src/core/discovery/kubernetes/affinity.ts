import type { Clock } from '../../base/clock.ts';
import { hash } from '../../base/hash.ts';
import { keyOf, type ServingEndpoint } from './selection.ts';

interface Bond {
  readonly key: string;
  readonly uid: string | undefined;
  /** When the affinity ends, on the clock. It doesn't end while the Service port is in use. */
  until: number;
}

/**
 * `sessionAffinity: ClientIP`. This client sends its requests for a Service port to one pod, until the pod stops
 * serving, or until the client has sent nothing for the timeout of the Service.
 * https://kubernetes.io/docs/reference/networking/virtual-ips/#session-affinity
 */
export class Affinity {
  readonly #client: string;
  readonly #clock: Clock;
  readonly #bonds = new Map<string, Bond>();

  /** @param client differs from client to client */
  constructor(client: string, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** Which of `candidates` this client uses for the Service port. */
  choose(servicePort: string, candidates: readonly ServingEndpoint[]): ServingEndpoint | undefined {
    const chosen = this.#bound(servicePort, candidates) ?? this.#first(candidates);
    if (chosen === undefined) return undefined;
    this.#bonds.set(servicePort, { key: keyOf(chosen), uid: chosen.uid, until: Number.POSITIVE_INFINITY });
    return chosen;
  }

  /** The Service port is no longer in use. */
  release(servicePort: string, timeout: number): void {
    const now = this.#clock.now();
    for (const [name, { until }] of this.#bonds) if (until < now) this.#bonds.delete(name);
    const bond = this.#bonds.get(servicePort);
    if (bond !== undefined) bond.until = now + timeout;
  }

  #bound(servicePort: string, candidates: readonly ServingEndpoint[]): ServingEndpoint | undefined {
    const bond = this.#bonds.get(servicePort);
    if (bond === undefined || bond.until < this.#clock.now()) return undefined;
    return candidates.find((candidate) => keyOf(candidate) === bond.key && candidate.uid === bond.uid);
  }

  /** By rendezvous hashing: clients spread evenly, and a client that restarts finds its pod again. */
  #first(candidates: readonly ServingEndpoint[]): ServingEndpoint | undefined {
    let first: { candidate: ServingEndpoint; rank: number } | undefined;
    for (const candidate of candidates) {
      const rank = hash(`${this.#client} ${keyOf(candidate)}`);
      if (first === undefined || rank < first.rank) first = { candidate, rank };
    }
    return first?.candidate;
  }
}
