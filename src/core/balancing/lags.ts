import type { Candidate } from './picker.ts';
import { RunWindow } from './run-window.ts';

/** A candidate that may lag. */
export interface Lagging extends Candidate {
  readonly inFlight: number;
  /** How many requests it got since the start. */
  readonly requests: number;
  /** Whether it is among those that lag. Only the picker sets this. */
  lagging: boolean;
  /** How many requests in a row it got lately before it answered one; `undefined` before the first answer. */
  runs: Runs | undefined;
}

/** The longest of so many runs counts. It doesn't matter if a candidate lags by chance. */
const MEMORY = 16;
/** So many requests in a row say nothing. */
const LEAST = 3;
/** How many times as many requests a candidate would have got in a row if it didn't lag. */
const UNLAGGED = 1.5;

export class Runs {
  /** How many requests the candidate had got when it last answered one, or one was given up. */
  since = 0;
  readonly window = new RunWindow(MEMORY);
}

/**
 * Whether a candidate has got more requests in a row, of which none was answered or given up, than it lately got before one
 * was. It lags until that happens.
 */
export function lags({ requests, inFlight, lagging, runs }: Lagging): boolean {
  const run = runs === undefined ? requests : requests - runs.since;
  if (lagging) return Math.min(run, inFlight) > 0;
  return Math.min(run, inFlight) > Math.max(runs?.window.size ?? 0, LEAST);
}

/** A candidate answers a request, or one is given up, which ends its run. Returns whether it lags no longer. */
export function endRun(candidate: Lagging): boolean {
  candidate.runs ??= new Runs();
  const { requests, lagging, runs } = candidate;
  const run = requests - runs.since;
  if (run === 0) return false;
  runs.since = requests;
  runs.window.confirm(lagging ? run * UNLAGGED : run);
  return lagging;
}
