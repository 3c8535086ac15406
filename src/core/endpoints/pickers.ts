import { LeastRequest } from '../balancing/least-request.ts';
import type { Locality } from '../balancing/locality.ts';
import { LocalityPicker } from '../balancing/locality-picker.ts';
import { OwnPickers } from '../balancing/own-pickers.ts';
import { PeakEwma } from '../balancing/peak-ewma.ts';
import type { Observation, Picker, PickerFactory } from '../balancing/picker.ts';
import { RoundRobin } from '../balancing/round-robin.ts';
import type { BalancingSettings } from '../balancing/settings.ts';
import { Turns, Weighted } from '../balancing/weighted.ts';
import type { Endpoint } from './endpoint.ts';

type PickerSettings = Pick<BalancingSettings, 'policy' | 'peakEwma' | 'clock' | 'random'>;

/** The pickers of a service. An endpoint is in one of them at most. */
export class Pickers<E extends Endpoint> {
  /** Endpoints that have a connection with room. */
  ready: Picker<E>;
  /** Endpoints that must be dialled, and could be reached the last time. */
  dialable: Picker<E>;
  /** Endpoints that must be dialled, and were never reached, or not the last time. They come last. */
  untried: Picker<E>;

  readonly #policy: BalancingSettings['policy'];
  readonly #create: PickerFactory;
  readonly #locality: Locality | undefined;
  #weighted: boolean;

  constructor(settings: PickerSettings, locality?: Locality) {
    const { policy } = settings;
    this.#policy = policy;
    this.#create = factoryOf(settings);
    this.#locality = locality;
    this.ready = this.#located(this.#create, true);
    this.dialable = this.#located(this.#create, false);
    this.untried = this.#located(this.#create, false);
    // The other policies use weights themselves, or don't use them.
    this.#weighted = policy === 'peak-ewma' || typeof policy === 'function';
  }

  /** Whether pickers use weights, which costs a little. */
  get weighted(): boolean {
    return this.#weighted;
  }

  /** Whether the policy learns from how requests go. */
  get observes(): boolean {
    return this.ready.observe !== undefined;
  }

  /** From now on, pickers use weights. They are empty afterwards, so no endpoint may be in one. */
  lookAtWeights(): void {
    this.#weighted = true;
    const turns = new Turns();
    const measure = this.#policy === 'round-robin' ? 'turn' : 'load';
    const create = (serves: boolean): PickerFactory => {
      return () => new Weighted(turns, measure, this.#create, serves);
    };
    this.ready = this.#located(create(true), true);
    this.dialable = this.#located(create(true), false);
    this.untried = this.#located(create(false), false);
  }

  #located(create: PickerFactory, isReady: boolean): Picker<E> {
    return this.#locality === undefined ? create() : new LocalityPicker(this.#locality, create, isReady);
  }

  /** Whether a request can be served now, or after a dial. */
  get hasRoom(): boolean {
    return (this.ready.pick() ?? this.toDial) !== undefined;
  }

  /** The endpoint to dial for a waiting request. */
  get toDial(): E | undefined {
    return this.dialable.pick() ?? this.untried.pick();
  }

  /**
   * The endpoint that should have got the request that goes to `endpoint`, but has no free connection. If `endpoint` is
   * ejected, and used only because there is no other, the rival may be one that was never connected.
   */
  rivalOf(endpoint: E): E | undefined {
    const rival = endpoint.health?.standing === 'out' ? this.toDial : this.dialable.pick();
    // On a tie too: with few connections, the rival would lose all ties.
    return rival === undefined || this.dialable.before(endpoint, rival) ? undefined : rival;
  }

  /** Tells the picker of an endpoint how a request went. */
  observe(endpoint: E, latency: number, observation: Observation): void {
    (endpoint.picker ?? this.ready).observe?.(endpoint, latency, observation);
  }
}

function factoryOf({ policy, peakEwma, clock, random }: PickerSettings): PickerFactory {
  switch (policy) {
    // A request without a key goes to the endpoint with the least load.
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
      return new OwnPickers(policy).create;
  }
}
