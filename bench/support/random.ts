/** Numbers from 0 to below 1: mulberry32, which is small, quick, and the same every time. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Of an exponential distribution: the time to the next of events that come by themselves. */
export function exponential(random: () => number, mean: number): number {
  return -Math.log(1 - random()) * mean;
}
