/** A scenario in which a mistake of the core was found. */
export interface Regression {
  readonly seed: number;
  readonly theme: string;
  /** What was wrong. */
  readonly was: string;
}

export const REGRESSIONS: readonly Regression[] = [
  {
    seed: 74,
    theme: 'streams',
    was: 'with slowStart, an end while an endpoint was ejected threw a TypeError',
  },
  { seed: 7, theme: 'names', was: 'an age that was left to chance was none' },
  { seed: 12, theme: 'virtualIps', was: 'an age that was left to chance was none' },
  {
    seed: 3,
    theme: 'bursts',
    was: 'what waited for a socket went to an endpoint that had asked for a pause',
  },
  { seed: 9, theme: 'hints', was: 'what waited for a socket went to an endpoint that was ejected' },
  { seed: 10, theme: 'subsets', was: 'what waited for a socket had an endpoint dialled that had left' },
  { seed: 107, theme: 'deaths', was: 'nobody looked whether a pod was there while all calls had keys' },
  {
    seed: 267,
    theme: 'virtualIps',
    was: 'nobody was woken when a connection was given to the pod that it leads to',
  },
  { seed: 63, theme: 'virtualIps', was: 'the last pod that was known by name was passed over' },
  { seed: 1, theme: 'virtualIps', was: 'what waited for a socket had an endpoint dialled that was replaced' },
  {
    seed: 774,
    theme: 'virtualIps',
    was: 'with all connections busy, a call failed for pods that were known by name once',
  },
];
