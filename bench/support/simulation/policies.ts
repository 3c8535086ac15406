import { HashRing } from '../../../src/core/balancing/hash-ring.ts';
import { LeastRequest } from '../../../src/core/balancing/least-request.ts';
import { PeakEwma } from '../../../src/core/balancing/peak-ewma.ts';
import type { Candidate, Picker } from '../../../src/core/balancing/picker.ts';
import { RoundRobin } from '../../../src/core/balancing/round-robin.ts';
import type { Clock } from '../../../src/core/base/clock.ts';
import { hash } from '../../../src/core/base/hash.ts';

export interface Simulated extends Candidate {
  readonly key: string;
  load: number;
}

export type Policy = (clock: Clock, random: () => number) => Picker<Simulated>;

/** The policies there are, and three to compare them with. */
export const POLICIES: Record<string, Policy> = {
  'join-shortest-queue': (_clock, random) => new Scan(random),
  'least-request': () => new LeastRequest(),
  'peak-ewma': (clock, random) => new PeakEwma({ decay: 10_000, seed: 30, clock, random }),
  'ring-hash': (_clock, random) => new RandomKeys(random),
  'round-robin': () => new RoundRobin(),
  'power of two choices': (_clock, random) => new Draw(random, 2),
  random: (_clock, random) => new Draw(random, 1),
};

/** What is simple and has no state. */
abstract class Stateless implements Picker<Simulated> {
  protected readonly all: Simulated[] = [];
  protected readonly random: () => number;

  constructor(random: () => number) {
    this.random = random;
  }

  add(candidate: Simulated): void {
    this.all.push(candidate);
  }

  remove(candidate: Simulated): void {
    this.all.splice(this.all.indexOf(candidate), 1);
  }

  update(): void {}
  used(): void {}

  before(a: Simulated, b: Simulated): boolean {
    return a.load < b.load;
  }

  abstract pick(): Simulated | undefined;
}

/** The least loaded of all; of several, any. */
class Scan extends Stateless {
  pick(): Simulated | undefined {
    let least = Number.POSITIVE_INFINITY;
    let tied = 0;
    let best: Simulated | undefined;
    for (const candidate of this.all) {
      if (candidate.load > least) continue;
      tied = candidate.load < least ? 1 : tied + 1;
      least = candidate.load;
      if (this.random() * tied < 1) best = candidate;
    }
    return best;
  }
}

/** The least loaded of some. */
class Draw extends Stateless {
  readonly #draws: number;

  constructor(random: () => number, draws: number) {
    super(random);
    this.#draws = draws;
  }

  pick(): Simulated | undefined {
    const { length } = this.all;
    let index = Math.floor(this.random() * length);
    let best = this.all[index];
    for (let draw = 1; draw < this.#draws; draw++) {
      index = (index + 1 + Math.floor(this.random() * (length - 1))) % length;
      if (this.before(this.all[index]!, best!)) best = this.all[index];
    }
    return best;
  }
}

/** Requests of many users, with loads bounded to 1.25 times the mean. */
class RandomKeys extends Stateless {
  readonly #ring = new HashRing<Simulated>();
  #total = 0;

  override add(candidate: Simulated): void {
    super.add(candidate);
    this.#ring.update([candidate], []);
  }

  override used(): void {
    this.#total++;
  }

  override update(): void {
    this.#total = this.all.reduce((sum, { load }) => sum + load, 0);
  }

  pick(): Simulated | undefined {
    const bound = Math.ceil((1.25 * (this.#total + 1)) / this.all.length);
    const key = hash(`user-${Math.floor(this.random() * 10_000)}`);
    return this.#ring.pick(key, ({ load }) => load < bound);
  }
}
