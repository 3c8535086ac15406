// What does a choice cost among 10,000 endpoints, compared with one among 10?
//
// A service in miniature: endpoints with different numbers of connections move between a picker of those
// that have one free and a picker of those that haven't, as requests start and, in random order, end.

import { parseArgs } from 'node:util';
import { HashRing } from '../src/balancing/hash-ring.ts';
import { LeastRequest } from '../src/balancing/least-request.ts';
import { PeakEwma } from '../src/balancing/peak-ewma.ts';
import type { Candidate, Picker, PickerFactory } from '../src/balancing/picker.ts';
import { RoundRobin } from '../src/balancing/round-robin.ts';
import { type Measure, Turns, Weighted } from '../src/balancing/weighted.ts';
import { systemClock } from '../src/clock.ts';
import { report } from './support/report.ts';
import { type Contestant, type Cost, interleave } from './support/rounds.ts';
import { median, ratios } from './support/statistics.ts';

const FEW = 10;
const MANY = 10_000;
const MOST_CONNECTIONS = 16;
/** Share of the connections that are busy. */
const UTILISATION = 0.5;
/** Different weights there are. */
const WEIGHTS = 10;
const CYCLES = 200_000;
const TURNS = 4;

const { values: args } = parseArgs({
  options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '25' } },
});

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

class Service {
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

await compare('least-request', () => () => new LeastRequest());
await compare('round-robin', () => () => new RoundRobin());
await compare('least-request, weighted', () => weighted('load', () => new LeastRequest()), WEIGHTS);
await compare('round-robin, weighted', () => weighted('turn', () => new RoundRobin()), WEIGHTS);

await compare('peak-ewma', peakEwma);
await compareRings();

function peakEwma(): PickerFactory {
  const options = { decay: 10_000, seed: 30, clock: systemClock, random: Math.random };
  return () => new PeakEwma(options);
}

function weighted(measure: Measure, createPicker: PickerFactory): PickerFactory {
  const turns = new Turns();
  return () => new Weighted(turns, measure, createPicker);
}

/** `policyOf` makes what the pickers of one service share. */
async function compare(policy: string, policyOf: () => PickerFactory, weights = 1): Promise<void> {
  const contestants = [FEW, MANY].map((endpoints): Contestant => {
    const service = new Service(endpoints, policyOf(), weights);
    return { name: `${endpoints} endpoints`, turn: async () => service.run(CYCLES / TURNS) };
  });
  await compete(policy, contestants);
}

async function compete(policy: string, contestants: readonly Contestant[]): Promise<void> {
  const costs = await interleave(contestants, {
    title: policy,
    rounds: Number(args.rounds),
    warmUp: 5,
    turns: TURNS,
  });
  const [few, many] = costs.map((cost) => cost.map(nanoseconds)) as [number[], number[]];
  const ratio = ratios(many, few);
  report({
    bench: 'pick',
    case: policy,
    value: ratio.median,
    bar: { atMost: 2.5 },
    text:
      `${ratio.median.toFixed(2)} times (${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)}): ` +
      `${median(many).toFixed(0)} ns a request among ${MANY}, ${median(few).toFixed(0)} ns among ${FEW}`,
    detail: { ratio, few: median(few), many: median(many) },
  });
}

/** A key leads to a pod by other means than a picker. */
async function compareRings(): Promise<void> {
  const contestants = [FEW, MANY].map((endpoints): Contestant => {
    const ring = new HashRing<{ key: string; weight: number; load: number }>();
    const pods = Array.from({ length: endpoints }, (_, n) => ({ key: `10.0.0.${n}:80`, weight: 1, load: 0 }));
    ring.update(pods, []);
    const accepts = ({ load }: { load: number }) => load < CYCLES;
    const turn = async () => {
      for (let n = 0; n < CYCLES / TURNS; n++) ring.pick((Math.random() * 2 ** 32) >>> 0, accepts)!.load++;
      for (const pod of pods) pod.load = 0;
    };
    return { name: `${endpoints} endpoints`, turn };
  });
  await compete('ring-hash', contestants);
}

function nanoseconds({ wall }: Cost): number {
  return (wall * 1e6) / CYCLES;
}
