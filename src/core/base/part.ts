/**
 * Another value in each copy of evenkeel that a process has loaded. What is loaded late shows it, and is taken only if it is of
 * the copy that asks: two copies would know nothing of each other's connections.
 */
export const COPY = Symbol('evenkeel');

/** A part of evenkeel that is loaded when it is first needed: most processes need only some of them. */
export interface Part {
  readonly COPY: symbol;
}

/** Gives a part to `use`: before it returns, where Node.js can load a module at once, and otherwise when it has been loaded. */
export type LoadPart<Kind extends Part> = (use: (part: Kind) => void) => void;
