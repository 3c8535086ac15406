/** How many turns a candidate may be behind, and how many ahead. Turns that it missed beyond that don't add up. */
export interface TurnBounds {
  readonly behind: number;
  readonly ahead: number;
}

/**
 * The bounds of turns beside loads, where one turn counts as much as one request in flight. So a candidate is chosen
 * because it waited, and a fast one because it is idle more often than its turns come. But a candidate that hangs isn't
 * chosen for its turn.
 */
export const LOAD_BOUNDS: TurnBounds = { behind: 0.75, ahead: 1 };

/**
 * How much the next request counts, in addition to those in flight. With 0, an idle candidate with a small weight would
 * always have a request. With 1, it would have one only when all others have as many as their weight. In between are
 * the methods by which parliaments allocate seats to parties. In a simulation with turns for the rest, this value comes
 * closest to the weights.
 */
const NEXT = 0.75;

/** A turn, as it counts now. @param stride how long a turn takes: 1 / weight */
export function current(turn: number, now: number, stride: number, { behind }: TurnBounds): number {
  return Math.max(turn, now - behind * stride);
}

/** The turn after this one, if `members` candidates share it. */
export function advanced(turn: number, now: number, stride: number, bounds: TurnBounds, members = 1): number {
  const next = current(turn, now, stride, bounds) + stride / Math.max(members, 1);
  return Math.min(next, now + bounds.ahead * stride);
}

/** The number by which candidates are compared if loads and turns should match weights: the smallest is served. */
export function rank(load: number, stride: number, turn: number): number {
  return (load + NEXT) * stride + turn;
}
