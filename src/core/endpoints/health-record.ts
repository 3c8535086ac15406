import type { Timer } from '../base/clock.ts';

/** What is held against an endpoint. One with a clean record has none. */
export class HealthRecord {
  /** In a row. */
  failures = 0;
  /** So many that it is worth to look again whether they are too many. */
  lookAt = 0;
  /** Responses in a row that said 429. */
  limited = 0;
  /** So many of these that it is worth to look again whether they are too many. */
  limitedLookAt = 0;
  /** Past ejections that are not forgiven; each doubles the next. */
  ejections = 0;
  /** The clock's time since which ejections are being forgiven. */
  forgivingSince = 0;
  ejection: Ejection | undefined = undefined;
  pause: Pause | undefined = undefined;
  /** It fails its health checks. */
  ailing = false;
  /** Just restored, and has served nothing since. */
  onProbation = false;
  standing: Standing = 'fit';
  /** Ends its `failing`, should no request do so. */
  failingEnd: Timer | undefined = undefined;
}

/**
 * How an endpoint stands.
 * `fit`: it may be picked, and nothing speaks against it.
 * `on-trial`: it is just restored, and gets one request at a time while others are left; left by a success, or an ejection.
 * `failing`: it fails one request after the other, and is not ejected, for too many are or all do the same; left by
 *   a success, by an ejection, or in time.
 * `unreachable`: its last dial failed, and nothing is connected.
 * `out`: it is ejected or paused; left when that is over.
 */
export type Standing = 'fit' | 'on-trial' | 'failing' | 'unreachable' | 'out';

export interface Ejection {
  /** The last of its failures, or another word for what it did. */
  readonly reason: string;
  /** The clock's time. */
  readonly since: number;
  /** `Infinity`: until its health checks pass. */
  readonly until: number;
  /** Ends it; without, health checks do. */
  readonly timer: Timer | undefined;
}

/** The time for which an endpoint has asked not to be bothered. */
export interface Pause {
  /** The clock's time. */
  readonly until: number;
  readonly timer: Timer;
}
