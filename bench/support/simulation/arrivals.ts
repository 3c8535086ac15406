import { exponential, seededRandom } from '../random.ts';
import { quantile } from '../statistics.ts';
import { Events } from './events.ts';
import type { Policy, Simulated } from './policies.ts';

export interface Arrivals {
  policy: Policy;
  clients: number;
  /** How quick each pod is, as a part of the others' speed. */
  speeds: readonly number[];
  /** Share of the capacity of all pods. */
  utilisation: number;
  requests: number;
  /** The pods that a client uses, by their indices; all by default. */
  subsetOf?: (client: number) => readonly number[];
  seed: number;
}

export interface Outcome {
  p50: number;
  p99: number;
  /** Requests of each pod, in means of all. */
  shares: number[];
}

/** Milliseconds of work in a request, on average. */
const WORK = 10;
/** Share of the requests after which measuring begins. */
const WARM_UP = 0.1;

/**
 * Requests come by themselves, each to any of the clients, which picks a pod by what it knows. A pod serves
 * one after the other, in times that vary as those of many services do: exponentially.
 */
export function simulate({
  policy,
  clients,
  speeds,
  utilisation,
  requests,
  subsetOf,
  seed,
}: Arrivals): Outcome {
  const random = seededRandom(seed);
  const events = new Events();
  const all = speeds.map((_, index) => index);
  const pickers = Array.from({ length: clients }, (_, client) => {
    const picker = policy(events, seededRandom(seed + 1 + client));
    const pods = subsetOf?.(client) ?? all;
    // In an order of its own, as clients learn of pods.
    const start = Math.floor(random() * pods.length);
    for (let n = 0; n < pods.length; n++) picker.add(new Pod(pods[(start + n) % pods.length]!));
    return picker;
  });
  const busyUntil = new Float64Array(speeds.length);
  const served = new Float64Array(speeds.length);
  const latencies: number[] = [];
  const interval = WORK / (utilisation * speeds.reduce((sum, speed) => sum + speed, 0));

  let time = 0;
  for (let n = 0; n < requests; n++) {
    time += exponential(random, interval);
    events.advanceTo(time);
    const picker = pickers[Math.floor(random() * clients)]!;
    const pod = picker.pick() as Pod;
    picker.used(pod);
    pod.load++;
    picker.update(pod);
    const { index } = pod;
    busyUntil[index] = Math.max(busyUntil[index]!, time) + exponential(random, WORK) / speeds[index]!;
    const latency = busyUntil[index]! - time;
    events.schedule(() => {
      pod.load--;
      picker.observe?.(pod, latency, 'answered');
      picker.update(pod);
    }, latency);
    if (n < requests * WARM_UP) continue;
    latencies.push(latency);
    served[index]!++;
  }
  const mean = latencies.length / speeds.length;
  return {
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    shares: Array.from(served, (count) => count / mean),
  };
}

class Pod implements Simulated {
  readonly index: number;
  readonly weight = 1;
  load = 0;
  slot: unknown = undefined;

  constructor(index: number) {
    this.index = index;
  }

  get key(): string {
    return podKey(this.index);
  }
}

export function podKey(index: number): string {
  return `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}:8080`;
}
