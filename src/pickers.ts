import { LeastRequest } from './balancing/least-request.ts';
import type { Picker, PickerFactory } from './balancing/picker.ts';
import { RoundRobin } from './balancing/round-robin.ts';
import { Turns, Weighted } from './balancing/weighted.ts';
import type { Settings } from './config/settings.ts';
import type { Endpoint } from './endpoint.ts';

const POLICIES: Record<'least-request' | 'round-robin', PickerFactory> = {
  'least-request': () => new LeastRequest(),
  'round-robin': () => new RoundRobin(),
};

/** The pickers of a service, of which an endpoint stands in one at most. */
export class Pickers {
  /** Endpoints with a connection that has room. */
  free: Picker<Endpoint>;
  /** Proven ones that would have to be dialled. */
  full: Picker<Endpoint>;
  /** Never connected ones, which are dialled for a request only when nothing else is left. */
  unproven: Picker<Endpoint>;

  readonly #policy: Settings['policy'];
  #weighted: boolean;

  constructor(policy: Settings['policy']) {
    this.#policy = policy;
    const create = typeof policy === 'string' ? POLICIES[policy] : policy;
    this.free = create();
    this.full = create();
    this.unproven = create();
    // A picker of the user's looks at weights itself, or doesn't.
    this.#weighted = typeof policy !== 'string';
  }

  /**
   * Looks at weights from now on, which costs a little. The endpoints are all that may stand in a picker; they
   * are in none afterwards. False if weights were looked at already.
   */
  weigh(endpoints: Iterable<Endpoint>): boolean {
    if (this.#weighted) return false;
    this.#weighted = true;
    for (const endpoint of endpoints) {
      place(endpoint, undefined);
      endpoint.slot = undefined;
    }
    const policy = this.#policy as keyof typeof POLICIES;
    const turns = new Turns();
    const measure = policy === 'round-robin' ? 'turn' : 'load';
    const create = () => new Weighted<Endpoint>(turns, measure, POLICIES[policy]);
    this.free = create();
    this.full = create();
    this.unproven = create();
    return true;
  }

  /** Whether a request could be served now, or after a dial. */
  get hasRoom(): boolean {
    return (this.free.pick() ?? this.toDial) !== undefined;
  }

  /** The endpoint to dial for a request that waits. */
  get toDial(): Endpoint | undefined {
    return this.full.pick() ?? this.unproven.pick();
  }

  /** The endpoint that should have had the request that goes to `endpoint`, but has no connection free. */
  rivalOf(endpoint: Endpoint): Endpoint | undefined {
    const rival = this.full.pick();
    // On a tie too: with few connections, it would lose all ties to those that have more.
    return rival === undefined || this.full.before(endpoint, rival) ? undefined : rival;
  }
}

/** Puts an endpoint where it belongs, and tells its picker that something about it has changed. */
export function place(endpoint: Endpoint, picker: Picker<Endpoint> | undefined): void {
  if (picker === endpoint.picker) {
    picker?.update(endpoint);
    return;
  }
  endpoint.picker?.remove(endpoint);
  endpoint.picker = picker;
  picker?.add(endpoint);
}
