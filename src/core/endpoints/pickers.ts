import type { Settings } from '../../config/settings.ts';
import { LeastRequest } from '../balancing/least-request.ts';
import { type Locality, LocalityPicker } from '../balancing/locality.ts';
import { PeakEwma } from '../balancing/peak-ewma.ts';
import type { Observation, Picker, PickerFactory } from '../balancing/picker.ts';
import { RoundRobin } from '../balancing/round-robin.ts';
import { Turns, Weighted } from '../balancing/weighted.ts';
import type { Endpoint } from './endpoint.ts';

type PickerSettings = Pick<Settings, 'policy' | 'peakEwma' | 'clock' | 'random'>;

/** The pickers of a service, of which an endpoint stands in one at most. */
export class Pickers {
  /** Endpoints with a connection that has room. */
  free: Picker<Endpoint>;
  /** Proven ones that would have to be dialled. */
  full: Picker<Endpoint>;
  /** Never connected ones, which are dialled for a request only when nothing else is left. */
  unproven: Picker<Endpoint>;

  readonly #policy: Settings['policy'];
  readonly #create: PickerFactory;
  readonly #locality: Locality | undefined;
  #weighted: boolean;

  constructor(settings: PickerSettings, locality?: Locality) {
    const { policy } = settings;
    this.#policy = policy;
    this.#create = factoryOf(settings);
    this.#locality = locality;
    this.free = this.#located(this.#create, true);
    this.full = this.#located(this.#create, false);
    this.unproven = this.#located(this.#create, false);
    // Others look at weights themselves, or don't.
    this.#weighted = policy === 'peak-ewma' || typeof policy === 'function';
  }

  /** Whether weights are looked at, which costs a little. */
  get weighted(): boolean {
    return this.#weighted;
  }

  /** Whether they learn from how requests go. */
  get observes(): boolean {
    return this.free.observe !== undefined;
  }

  /** Looks at weights from now on. The endpoints are all that may stand in a picker; they are in none afterwards. */
  weigh(endpoints: Iterable<Endpoint>): void {
    this.#weighted = true;
    for (const endpoint of endpoints) {
      place(endpoint, undefined);
      endpoint.slot = undefined;
    }
    const turns = new Turns();
    const measure = this.#policy === 'round-robin' ? 'turn' : 'load';
    const create: PickerFactory = () => new Weighted(turns, measure, this.#create);
    this.free = this.#located(create, true);
    this.full = this.#located(create, false);
    this.unproven = this.#located(create, false);
  }

  #located(create: PickerFactory, isFree: boolean): Picker<Endpoint> {
    return this.#locality === undefined ? create() : new LocalityPicker(this.#locality, create, isFree);
  }

  /** Tells the picker of an endpoint how a request has gone. */
  observe(endpoint: Endpoint, latency: number, observation: Observation): void {
    (endpoint.picker ?? this.free).observe?.(endpoint, latency, observation);
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

function factoryOf({ policy, peakEwma, clock, random }: PickerSettings): PickerFactory {
  switch (policy) {
    // What has no key goes to the least loaded.
    case 'ring-hash':
    case 'least-request':
      return () => new LeastRequest();
    case 'round-robin':
      return () => new RoundRobin();
    case 'peak-ewma': {
      const turns = new Turns();
      return () => new PeakEwma({ ...peakEwma, clock, random, turns });
    }
    default:
      return policy;
  }
}
