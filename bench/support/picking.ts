import type { HashRing } from '../../src/core/balancing/hash-ring.ts';
import type { LeastRequest } from '../../src/core/balancing/least-request.ts';
import type { PeakEwma } from '../../src/core/balancing/peak-ewma.ts';
import type { Candidate, Picker, PickerFactory } from '../../src/core/balancing/picker.ts';
import type { RoundRobin } from '../../src/core/balancing/round-robin.ts';
import type { Measure, Turns, Weighted } from '../../src/core/balancing/weighted.ts';
import { systemClock } from '../../src/core/base/clock.ts';

/** The balancing of a revision. */
export interface Policies {
  readonly LeastRequest: typeof LeastRequest;
  readonly RoundRobin: typeof RoundRobin;
  readonly PeakEwma: typeof PeakEwma;
  readonly Weighted: typeof Weighted;
  readonly Turns: typeof Turns;
  readonly HashRing: typeof HashRing;
}

/** A policy, and as many different weights as the endpoints have. */
export interface PickCase {
  readonly policy: string;
  readonly weights: number;
  /** Makes what the pickers of one service share. */
  readonly pickers: (policies: Policies) => PickerFactory;
}

const WEIGHTS = 10;
const MOST_CONNECTIONS = 16;
/** Share of the connections that are busy. */
const UTILISATION = 0.5;

export const PICK_CASES: readonly PickCase[] = [
  {
    policy: 'least-request',
    weights: 1,
    pickers:
      ({ LeastRequest }) =>
      () =>
        new LeastRequest(),
  },
  {
    policy: 'round-robin',
    weights: 1,
    pickers:
      ({ RoundRobin }) =>
      () =>
        new RoundRobin(),
  },
  {
    policy: 'least-request, weighted',
    weights: WEIGHTS,
    pickers: (policies) => weighted(policies, 'load', () => new policies.LeastRequest()),
  },
  {
    policy: 'round-robin, weighted',
    weights: WEIGHTS,
    pickers: (policies) => weighted(policies, 'turn', () => new policies.RoundRobin()),
  },
  {
    policy: 'peak-ewma',
    weights: 1,
    pickers: ({ PeakEwma }) => {
      const options = { decay: 10_000, seed: 30, clock: systemClock, random: Math.random };
      return () => new PeakEwma(options);
    },
  },
];

function weighted(
  { Turns, Weighted }: Policies,
  measure: Measure,
  createPicker: PickerFactory,
): PickerFactory {
  const turns = new Turns();
  return () => new Weighted(turns, measure, createPicker);
}

class Endpoint implements Candidate {
  load = 0;
  readonly weight: number;
  slot: unknown = undefined;
  picker: Picker<Endpoint> | undefined = undefined;
  readonly connections: number;

  constructor(connections: number, weight: number) {
    this.connections = connections;
    this.weight = weight;
  }
}

/**
 * A service in miniature: endpoints with different numbers of connections move between a picker of those that
 * have one free and a picker of those that haven't, as requests start and, in random order, end.
 */
export class PickingService {
  readonly #free: Picker<Endpoint>;
  readonly #full: Picker<Endpoint>;
  readonly #inFlight: Endpoint[] = [];

  constructor(endpoints: number, createPicker: PickerFactory, weights: number) {
    this.#free = createPicker();
    this.#full = createPicker();
    let connections = 0;
    for (let i = 0; i < endpoints; i++) {
      const endpoint = new Endpoint(1 + (i % MOST_CONNECTIONS), 1 + (i % weights));
      connections += endpoint.connections;
      this.#place(endpoint);
    }
    while (this.#inFlight.length < connections * UTILISATION) this.start();
  }

  /** A request begins and another ends, `cycles` times. */
  run(cycles: number): void {
    for (let i = 0; i < cycles; i++) {
      this.start();
      this.end();
    }
  }

  start(): void {
    const endpoint = this.#free.pick()!;
    const rival = this.#full.pick();
    if (rival !== undefined && this.#full.before(rival, endpoint)) this.#full.used(rival);
    this.#free.used(endpoint);
    endpoint.load++;
    this.#place(endpoint);
    this.#inFlight.push(endpoint);
  }

  end(): void {
    const index = Math.floor(Math.random() * this.#inFlight.length);
    const endpoint = this.#inFlight[index]!;
    this.#inFlight[index] = this.#inFlight.at(-1)!;
    this.#inFlight.pop();
    endpoint.load--;
    endpoint.picker!.observe?.(endpoint, 1 + Math.random(), 'answered');
    this.#place(endpoint);
  }

  #place(endpoint: Endpoint): void {
    const picker = endpoint.load < endpoint.connections ? this.#free : this.#full;
    if (picker === endpoint.picker) {
      picker.update(endpoint);
      return;
    }
    endpoint.picker?.remove(endpoint);
    endpoint.picker = picker;
    picker.add(endpoint);
  }
}

/** A key leads to a pod by other means than a picker: picks by key, `cycles` times. */
export function ringOf({ HashRing }: Policies, endpoints: number): (cycles: number) => void {
  const ring = new HashRing<{ key: string; weight: number; load: number }>();
  const pods = Array.from({ length: endpoints }, (_, n) => ({ key: `10.0.0.${n}:80`, weight: 1, load: 0 }));
  ring.update(pods, []);
  return (cycles) => {
    const accepts = ({ load }: { load: number }) => load < cycles * 4;
    for (let n = 0; n < cycles; n++) ring.pick((Math.random() * 2 ** 32) >>> 0, accepts)!.load++;
    for (const pod of pods) pod.load = 0;
  };
}
