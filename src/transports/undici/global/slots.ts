import type { Dispatcher } from 'undici';
import { LEGACY_GLOBAL, MODERN_GLOBAL } from '../undici.ts';

/** The global dispatchers, one for each kind of caller. A slot is empty until a copy of undici loads. */
export interface Slots {
  legacy: Dispatcher | undefined;
  modern: Dispatcher | undefined;
}

const globals = globalThis as {
  [LEGACY_GLOBAL]?: Dispatcher | undefined;
  [MODERN_GLOBAL]?: Dispatcher | undefined;
};

/** Reads and writes the slots. Only by assignment: undici defines them so that nothing else works. */
export const slots: Slots = {
  get legacy() {
    return globals[LEGACY_GLOBAL];
  },
  set legacy(dispatcher) {
    globals[LEGACY_GLOBAL] = dispatcher;
  },
  get modern() {
    return globals[MODERN_GLOBAL];
  },
  set modern(dispatcher) {
    globals[MODERN_GLOBAL] = dispatcher;
  },
};

/** What the slots had when this module loaded. */
export const initial: Readonly<Slots> = { ...slots };
