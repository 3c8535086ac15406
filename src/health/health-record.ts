import type { Timer } from '../clock.ts';

/** What is held against an endpoint. One with a clean record has none. */
export class HealthRecord {
  /** In a row. */
  failures = 0;
  /** Past ejections that are not forgiven; each doubles the next. */
  ejections = 0;
  /** The clock's time since which ejections are being forgiven. */
  forgivingSince = 0;
  ejection: Ejection | undefined = undefined;
  /** It fails its health checks. */
  ailing = false;
  /** Just restored: it gets one request at a time until one succeeds. */
  onProbation = false;
  /** Counted among those that aren't fit to serve. */
  unfit = false;
}

export interface Ejection {
  /** The clock's time. */
  readonly since: number;
  /** Ends it; without, health checks do. */
  readonly timer: Timer | undefined;
}
