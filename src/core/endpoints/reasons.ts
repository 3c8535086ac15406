/**
 * Why an endpoint may not be picked, or not be dialled: a bit each. Each is set and lifted by the one part that knows it,
 * which tells nobody else: the board does what follows.
 */

/** It has left the set, and what it carries ends. The set's. */
export const DRAINING = 1 << 0;
/** It fails requests, or its health checks. Health's, as the next three. */
export const EJECTED = 1 << 1;
/** It has asked for a pause. */
export const PAUSED = 1 << 2;
/** It is just restored, and has one request at a time. */
export const ON_TRIAL = 1 << 3;
/** It fails one request after the other, and serves all the same: too many are ejected, or all do the same. */
export const FAILING = 1 << 4;
/** It has said nothing for long, and it is being found out whether it is there. Liveness's. */
export const IN_DOUBT = 1 << 5;
/** It carries as many requests as it may have. Its own. */
export const REQUEST_LIMIT = 1 << 6;
/** It is not kept connected at the present rate of requests. The warm set's. */
export const COLD = 1 << 7;
/** It could not be reached a moment ago. The dials'. */
export const BACKING_OFF = 1 << 8;
/** It may be another's address by now, for nothing has been heard of it, nor of the name. The dial plan's. */
export const FROZEN = 1 << 9;
/** It was replaced by endpoints of another kind, and serves until these are connected. The departures'. */
export const SUPERSEDED = 1 << 10;
/** A connection is being made to it that will have room for many. Its connections', as all that follow. */
export const OPENING = 1 << 11;
/** It has all the connections that it may have. */
export const CONNECTION_LIMIT = 1 << 12;
/** None of its connections has room. */
export const FULL = 1 << 13;
/** It was never connected, or could not be reached the last time: others are dialled first. */
export const UNTRIED = 1 << 14;

/** With one of these, it has no requests. */
export const UNFIT = DRAINING | EJECTED | PAUSED | IN_DOUBT | REQUEST_LIMIT;
/** With one of these, it is not dialled. */
export const UNDIALABLE = COLD | BACKING_OFF | FROZEN | SUPERSEDED | OPENING | CONNECTION_LIMIT;
/** With one of these, it doesn't serve, whatever its connections. */
export const UNAVAILABLE = DRAINING | EJECTED | PAUSED | BACKING_OFF;
/** Those of which others than the pickers want to know. They change seldom. */
export const RARE = EJECTED | PAUSED | ON_TRIAL | FAILING | IN_DOUBT | BACKING_OFF;

const NAMES: readonly (readonly [reason: number, name: string])[] = [
  [DRAINING, 'draining'],
  [EJECTED, 'ejected'],
  [PAUSED, 'paused'],
  [ON_TRIAL, 'on-trial'],
  [FAILING, 'failing'],
  [IN_DOUBT, 'in-doubt'],
  [REQUEST_LIMIT, 'request-limit'],
  [COLD, 'cold'],
  [BACKING_OFF, 'backing-off'],
  [FROZEN, 'frozen'],
  [SUPERSEDED, 'superseded'],
  [OPENING, 'opening'],
  [CONNECTION_LIMIT, 'connection-limit'],
  [FULL, 'full'],
  [UNTRIED, 'untried'],
];

/** The names of reasons, for people. */
export function namesOf(reasons: number): string[] {
  return NAMES.filter(([reason]) => (reasons & reason) !== 0).map(([, name]) => name);
}
