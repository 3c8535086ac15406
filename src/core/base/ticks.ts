const TICKS = 16;

/**
 * A duration, or a moment of the clock, in sixteenths of a millisecond, as an integer of 32 bits: this allocates
 * nothing. Moments wrap around. The difference of two, taken as 32 bits, is right up to 37 hours.
 */
export function ticksOf(milliseconds: number): number {
  return (milliseconds * TICKS) | 0;
}

export function millisecondsOf(ticks: number): number {
  return ticks / TICKS;
}
