/** What a picker sees of an endpoint. */
export interface Candidate {
  /** Requests in flight, dials under way, and failures held against it for a moment. */
  readonly load: number;
  /** Share of requests relative to the others'. */
  readonly weight: number;
  /** Room for the picker's own bookkeeping; nobody else touches it. `undefined` to begin with. */
  slot: unknown;
}

/**
 * Chooses among endpoints. A picker holds one set of candidates; every call takes the same time
 * however many there are.
 *
 * A service keeps several of a kind, and a candidate is in one of them at most: one for endpoints with a
 * connection free, of which it picks, and one for those it would have to dial. Unless the first's choice
 * comes `before` the second's, the request goes to the first all the same, and the second gets a new
 * connection for the requests that follow.
 */
export interface Picker<C extends Candidate = Candidate> {
  /** Takes a candidate into the set. It is in no other. */
  add(candidate: C): void;
  /** Takes a candidate, which is in the set, out of it. */
  remove(candidate: C): void;
  /** Says that a candidate, which is in the set, has another load, or was `used`. */
  update(candidate: C): void;
  /** The best candidate now, or none if the set is empty. Picking changes nothing. */
  pick(): C | undefined;
  /** Says that a candidate, in this set or not, is given a request or a dial. */
  used(candidate: C): void;
  /** Whether `a` should be served rather than `b`. */
  before(a: C, b: C): boolean;
  /**
   * Says how a request to a candidate, in this set or in none, has gone: `latency` milliseconds after it was
   * sent, the response began, or what else has happened. Pickers without this cost no measuring.
   */
  observe?(candidate: C, latency: number, observation: Observation): void;
}

/** `failed`: it answered 502, 503 or 504, or not at all; `given-up`: the caller waited no longer. */
export type Observation = 'answered' | 'failed' | 'given-up';

/** Makes an empty picker. Called more than once for each service. */
export type PickerFactory = <C extends Candidate>() => Picker<C>;
