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
];
