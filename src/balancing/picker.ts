/** What a picker sees of an endpoint. */
export interface Candidate {
  /** Requests in flight, dials under way, and failures held against it for a moment. */
  readonly load: number;
  /** Share of requests relative to the others'. */
  readonly weight: number;
}

/**
 * Chooses among endpoints. A picker holds one set of candidates; every call takes the same time
 * however many there are.
 *
 * A service keeps two of a kind: one for endpoints with a connection free, of which it picks, and one
 * for those it would have to dial. When the second's choice comes `before` the first's, the request
 * goes to the first and the second gets a new connection for the requests that follow.
 */
export interface Picker<C extends Candidate = Candidate> {
  /** Takes a candidate into the set. It isn't in it yet. */
  add(candidate: C): void;
  /** Takes a candidate out of the set. It is in it. */
  remove(candidate: C): void;
  /** Says that the candidate, which is in the set, has another load now. */
  update(candidate: C): void;
  /** The best candidate now, or none if the set is empty. Picking changes nothing. */
  pick(): C | undefined;
  /** Says that the candidate got a request or a dial. Called before its load changes; it may be outside the set. */
  used(candidate: C): void;
  /** Whether `a` should have been served rather than `b`. */
  before(a: C, b: C): boolean;
}

/** Makes the pickers of one service. */
export type PickerFactory = <C extends Candidate>(random: () => number) => Picker<C>;
