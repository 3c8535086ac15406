/** By which factor the pause grows with each failure. */
const FACTOR = 1.6;
/** By which part a pause is shorter or longer at most, at random, so that clients don't come back together. */
export const JITTER = 0.2;

/** In milliseconds, without jitter. */
export interface BackoffTimes {
  readonly first: number;
  readonly longest: number;
}

/** The pauses after failed dials, and after a resolver has failed. gRPC's longest pause is two minutes. */
export const USUAL: BackoffTimes = { first: 1_000, longest: 30_000 };

/**
 * For how many milliseconds to wait after so many `failures` before this one, with gRPC's factors:
 * https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md
 */
export function backoff(failures: number, { first, longest }: BackoffTimes, random: () => number): number {
  return Math.min(first * FACTOR ** failures, longest) * (1 - JITTER + 2 * JITTER * random());
}
