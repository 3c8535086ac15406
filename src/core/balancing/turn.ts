/** How many turns a candidate may be behind: more that it missed don't add up. And how many ahead. */
export interface TurnBounds {
  readonly behind: number;
  readonly ahead: number;
}

/**
 * The bounds of turns beside loads, where a turn counts for as much as a request in flight. So a candidate is chosen for
 * having waited, and a quick one for being idle more often than its turns come; but one that hangs isn't served for its turn.
 */
export const LOAD_BOUNDS: TurnBounds = { behind: 0.75, ahead: 1 };

/**
 * What the request counts for that is about to be added to those in flight. Requests come whole: with nothing of it, an
 * idle candidate of a small weight would have one all the time; with all of it, one only when all others have as many as
 * they weigh. In between lie the methods by which parliaments give seats to parties; simulated with turns for the
 * remainder, this one comes closest to the weights.
 */
const NEXT = 0.75;

/** A turn as it counts now. */
export function current(turn: number, now: number, weight: number, { behind }: TurnBounds): number {
  return Math.max(turn, now - behind / weight);
}

/** The turn after that one, of as many `members` as share it. */
export function advanced(turn: number, now: number, weight: number, bounds: TurnBounds, members = 1): number {
  const next = current(turn, now, weight, bounds) + 1 / (weight * Math.max(members, 1));
  return Math.min(next, now + bounds.ahead / weight);
}

/** By what candidates are compared whose loads and turns are to be as their weights: the least is served. */
export function rank(load: number, weight: number, turn: number): number {
  return (load + NEXT) / weight + turn;
}
