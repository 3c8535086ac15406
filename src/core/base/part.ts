/**
 * Differs in each copy of evenkeel that a process has loaded. A part that is loaded later must have the same value: two
 * copies know nothing of each other's connections.
 */
export const COPY = Symbol('evenkeel');

/** A part of evenkeel that is loaded when it is first needed. Most processes need only some parts. */
export interface Part {
  readonly COPY: symbol;
}

/** Gives a part to `use`: before it returns, if Node.js can load a module at once; or else when it has been loaded. */
export type LoadPart<Kind extends Part> = (use: (part: Kind) => void) => void;
