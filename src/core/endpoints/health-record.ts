import type { Timer } from '../base/clock.ts';

/** What health knows about the failures of an endpoint. Without failures, an endpoint has no record. */
export class HealthRecord {
  /** How many requests and dials failed in a row. */
  failures = 0;
  /** At this many failures in a row, health checks again whether they are too many. */
  lookAt = 0;
  /** How many 429 came in a row. */
  limited = 0;
  /** At this many 429 in a row, health checks again whether they are too many. */
  limitedLookAt = 0;
  /** How many past ejections count. Each doubles the next ejection. */
  ejections = 0;
  /** Since when ejections are being forgiven, on the clock. */
  forgivingSince = 0;
  ejection: Ejection | undefined = undefined;
  pause: Pause | undefined = undefined;
  /** Whether it fails its health checks. */
  ailing = false;
  /** Whether it was restored a moment ago, and has served nothing since. */
  onProbation = false;
  /** Set while it answers nothing. Then it rests, or is asked with one request at a time. */
  silence: 'resting' | 'asked' | undefined = undefined;
  standing: Standing = 'fit';
  /** Ends the standing `failing` if no request does. */
  failingEnd: Timer | undefined = undefined;
}

/**
 * How an endpoint stands. `fit`: it may be picked, and has no failures that count. `on-trial`: it was just restored,
 * and gets one request at a time while other endpoints are left. A success or an ejection ends that. `failing`: it
 * fails one request after another, but isn't ejected, because too many are, or all fail. A success, an ejection or time
 * ends that. `silent`: callers gave up one request after another without an answer, while others answered. It gets one
 * request now and then, unless too many endpoints are missing. Any answer ends that. `unreachable`: its last dial
 * failed, and it has no connection. `out`: it is ejected or paused, until that is over.
 */
export type Standing = 'fit' | 'on-trial' | 'failing' | 'silent' | 'unreachable' | 'out';

export interface Ejection {
  /** Its last failure, or the check that it did not pass. */
  readonly reason: string;
  /** When it began, on the clock. */
  readonly since: number;
  /** When it ends, on the clock; `Infinity`: when its health checks pass. */
  readonly until: number;
  /** Ends it. Without a timer, health checks do. */
  readonly timer: Timer | undefined;
}

/** The time in which an endpoint gets no requests, because it asked for that with `Retry-After`. */
export interface Pause {
  /** When it ends, on the clock. */
  readonly until: number;
  readonly timer: Timer;
}
