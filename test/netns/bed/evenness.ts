/** Jain's fairness index: 1 when all loads are equal, 1/n when one of n has everything. */
export function jain(loads: readonly number[]): number {
  let sum = 0;
  let squares = 0;
  for (const load of loads) {
    sum += load;
    squares += load * load;
  }
  return (sum * sum) / (loads.length * squares);
}

/** Jain's index, on average, for connections that each lead to a pod drawn at random and share the requests alike. */
export function ballsInBins(connections: number, pods: number): number {
  return averageJain(pods, (loads) => {
    for (let connection = 0; connection < connections; connection++) loads[drawnFrom(pods)]! += 1;
  });
}

export interface Rotation {
  /** How many there are at a time. */
  readonly connections: number;
  readonly pods: number;
  /** The time that is looked at, in units of a connection's longest age. */
  readonly window: number;
  /** The share by which ages are shortened at random, at most. */
  readonly jitter: number;
}

/**
 * The same where each connection is replaced when it reaches its age: this is what chance allows. Nobody who
 * can't tell the pods apart can do better with as many connections.
 */
export function ballsInBinsRotated({ connections, pods, window, jitter }: Rotation): number {
  const age = () => 1 - jitter * Math.random();
  return averageJain(pods, (loads) => {
    for (let connection = 0; connection < connections; connection++) {
      // The first one is somewhere in its life.
      let left = age() * Math.random();
      for (let time = 0; time < window; time += left, left = age()) {
        loads[drawnFrom(pods)]! += Math.min(left, window - time);
      }
    }
  });
}

const TRIALS = 4_000;

function averageJain(pods: number, fill: (loads: number[]) => void): number {
  let sum = 0;
  for (let trial = 0; trial < TRIALS; trial++) {
    const loads = Array.from({ length: pods }, () => 0);
    fill(loads);
    sum += jain(loads);
  }
  return sum / TRIALS;
}

function drawnFrom(pods: number): number {
  return Math.floor(Math.random() * pods);
}
