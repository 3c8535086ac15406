import type { Dispatcher } from 'undici';

// Where all copies of undici keep the dispatcher for callers that name none: built-in `fetch` on Node 22
// and 24, undici 6 and 7 look into the first one, built-in `fetch` on Node 26 and undici 8 into the second.
const LEGACY = Symbol.for('undici.globalDispatcher.1');
const MODERN = Symbol.for('undici.globalDispatcher.2');

/** The global dispatchers, one for each generation of callers. A slot is empty until a copy of undici loads. */
export interface Slots {
  legacy: Dispatcher | undefined;
  modern: Dispatcher | undefined;
}

const globals = globalThis as { [LEGACY]?: Dispatcher | undefined; [MODERN]?: Dispatcher | undefined };

/** What the slots hold, to read and to write. Only ever assigned to: undici makes them so that nothing else works. */
export const slots: Slots = {
  get legacy() {
    return globals[LEGACY];
  },
  set legacy(dispatcher) {
    globals[LEGACY] = dispatcher;
  },
  get modern() {
    return globals[MODERN];
  },
  set modern(dispatcher) {
    globals[MODERN] = dispatcher;
  },
};

/** What the slots held when this module loaded. */
export const initial: Readonly<Slots> = { ...slots };
