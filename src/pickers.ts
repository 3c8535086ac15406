import { LeastRequest } from './balancing/least-request.ts';
import type { Picker, PickerFactory } from './balancing/picker.ts';
import { RoundRobin } from './balancing/round-robin.ts';
import type { Settings } from './config/settings.ts';
import type { Endpoint } from './endpoint.ts';

const POLICIES: Record<'least-request' | 'round-robin', PickerFactory> = {
  'least-request': () => new LeastRequest(),
  'round-robin': () => new RoundRobin(),
};

/** The pickers of a service, of which an endpoint stands in one at most. */
export class Pickers {
  /** Endpoints with a connection that has room. */
  readonly free: Picker<Endpoint>;
  /** Proven ones that would have to be dialled. */
  readonly full: Picker<Endpoint>;
  /** Never connected ones, which are dialled for a request only when nothing else is left. */
  readonly unproven: Picker<Endpoint>;

  constructor(policy: Settings['policy']) {
    const create = typeof policy === 'string' ? POLICIES[policy] : policy;
    this.free = create();
    this.full = create();
    this.unproven = create();
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
