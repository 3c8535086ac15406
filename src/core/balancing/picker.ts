/** An endpoint, as a picker sees it. */
export interface Candidate {
  /** Requests in flight, dials under way, and for a while requests that failed, or were given up while it was silent. */
  readonly load: number;
  /** The share of requests that it should get, relative to the others. */
  readonly weight: number;
  /** For your picker's own notes: evenkeel doesn't touch it. `undefined` at first. */
  slot: unknown;
}

/**
 * Chooses among endpoints. A picker holds one set of candidates. Its methods should take the same time however many
 * candidates there are.
 *
 * evenkeel makes several pickers for a service, and a candidate is in at most one of them: one picker has the endpoints with
 * a free connection, another one those that evenkeel would have to dial. The request goes to the choice of the first one. If
 * that doesn't come `before` the choice of the second one, evenkeel also opens a connection to the latter, for later requests.
 */
export interface Picker<C extends Candidate = Candidate> {
  /** Adds a candidate to the set. No other picker has it. */
  add(candidate: C): void;
  /** Removes a candidate from the set. */
  remove(candidate: C): void;
  /** The load of a candidate in the set has changed, or the candidate was `used`. */
  update(candidate: C): void;
  /** Returns the best candidate now, or `undefined` if the set is empty. Changes nothing. */
  pick(): C | undefined;
  /** A candidate, in this set or not, gets a request or a dial. */
  used(candidate: C): void;
  /** Returns whether `a` is better than `b`. */
  before(a: C, b: C): boolean;
  /**
   * Tells you how a request to a candidate went (the candidate may be in no set any more): `latency` milliseconds after it
   * was sent, the response began, or the request ended otherwise. If your picker has no such method, evenkeel doesn't measure.
   */
  observe?(candidate: C, latency: number, observation: Observation): void;
}

/**
 * `failed`: it answered 502, 503 or 504, or not at all; `answered`: with any other status; `given-up`: the caller stopped
 * waiting.
 */
export type Observation = 'answered' | 'failed' | 'given-up';

/** Makes an empty picker. evenkeel calls it several times for each service. */
export type PickerFactory = <C extends Candidate>() => Picker<C>;
