/**
 * Why an endpoint may not be picked, or not be dialled: one bit for each reason. One part knows when a reason applies.
 * It sets and clears the bit, and tells no other part: the board does what follows.
 */

/** The endpoint has left the set, and finishes what it carries. Set by the set of endpoints. */
export const DRAINING = 1 << 0;
/** It fails requests, or its health checks. Set by health, as the next four. */
export const EJECTED = 1 << 1;
/** It asked for a pause. */
export const PAUSED = 1 << 2;
/** It was just restored, or is asked whether it answers again: it gets one request at a time. */
export const ON_TRIAL = 1 << 3;
/** It fails one request after another, but gets requests: too many endpoints are ejected, or all fail. */
export const FAILING = 1 << 4;
/** Callers gave up one request after another there without an answer, and others answer. */
export const SILENT = 1 << 5;
/** It has been silent for long, and liveness is finding out whether it is still there. Set by liveness. */
export const IN_DOUBT = 1 << 6;
/** It has as many requests in flight as it may have. Set by the endpoint itself. */
export const REQUEST_LIMIT = 1 << 7;
/** The present rate of requests doesn't keep it connected. Set by the warm set. */
export const COLD = 1 << 8;
/** It could not be reached a moment ago. Set by the dials. */
export const BACKING_OFF = 1 << 9;
/** Its address may belong to another pod by now, because nothing has confirmed it lately. Set by `reach.ts`. */
export const FROZEN = 1 << 10;
/** Endpoints of another kind have replaced it. It serves until these are connected. Set by the set of endpoints. */
export const SUPERSEDED = 1 << 11;
/** It gets a connection that will have room for many requests. Set by its connections, as all that follow. */
export const OPENING = 1 << 12;
/** It has as many connections as it may have. */
export const CONNECTION_LIMIT = 1 << 13;
/** None of its connections has room. */
export const FULL = 1 << 14;
/** It was never connected, or could not be reached the last time. Others are dialled first. */
export const UNTRIED = 1 << 15;

/** With one of these, it gets no requests. */
export const UNFIT = DRAINING | EJECTED | PAUSED | SILENT | IN_DOUBT | REQUEST_LIMIT;
/** With one of these, it isn't dialled. */
export const UNDIALABLE = COLD | BACKING_OFF | FROZEN | SUPERSEDED | OPENING | CONNECTION_LIMIT;
/** With one of these, it can't serve, whatever its connections are. */
export const UNAVAILABLE = DRAINING | EJECTED | PAUSED | SILENT | BACKING_OFF;
/** The reasons that health sets. */
export const HEALTH = EJECTED | PAUSED | ON_TRIAL | FAILING | SILENT;
/** Reasons that change seldom, and that other parts than the pickers want to know. */
export const RARE = HEALTH | IN_DOUBT | BACKING_OFF;

const NAMES: readonly (readonly [reason: number, name: string])[] = [
  [DRAINING, 'draining'],
  [EJECTED, 'ejected'],
  [PAUSED, 'paused'],
  [ON_TRIAL, 'on-trial'],
  [FAILING, 'failing'],
  [SILENT, 'silent'],
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

/** The names of reasons, as users see them. */
export function namesOf(reasons: number): string[] {
  return NAMES.filter(([reason]) => (reasons & reason) !== 0).map(([, name]) => name);
}
