const TICKS = 16;

/**
 * A time, or a moment of the clock, in sixteenths of a millisecond: an integer of 32 bits, for which no memory is taken.
 * Moments wrap; the difference of two, taken to 32 bits, is right up to 37 hours.
 */
export function ticksOf(milliseconds: number): number {
  return (milliseconds * TICKS) | 0;
}

export function millisecondsOf(ticks: number): number {
  return ticks / TICKS;
}
