import { type Locality, type Located, RANKS } from './locality.ts';
import type { Observation, Picker, PickerFactory } from './picker.ts';

/**
 * Has one picker for each level (node, zone, other zones). Picks from the level whose turn it is, or else from the
 * nearest level that serves. Candidates that lag are apart, and count as far away as other zones.
 */
export class LocalityPicker<C extends Located> implements Picker<C> {
  readonly observe?: (candidate: C, latency: number, observation: Observation) => void;
  readonly #locality: Locality;
  readonly #create: PickerFactory;
  readonly #levels: Picker<C>[] = [];
  readonly #lagging: Picker<C>;
  /** Whether `used` means a request here; otherwise it means a dial. */
  readonly #counts: boolean;

  constructor(locality: Locality, create: PickerFactory, counts: boolean) {
    this.#locality = locality;
    this.#create = create;
    this.#counts = counts;
    this.#lagging = create<C>();
    if (this.#lagging.observe === undefined) return;
    this.observe = (candidate: C, latency: number, observation: Observation) =>
      this.#of(candidate).observe!(candidate, latency, observation);
  }

  add(candidate: C): void {
    candidate.lagging = this.#locality.lags(candidate);
    this.#of(candidate).add(candidate);
  }

  remove(candidate: C): void {
    this.#of(candidate).remove(candidate);
  }

  update(candidate: C): void {
    if (candidate.lagging === this.#locality.lags(candidate)) {
      this.#of(candidate).update(candidate);
      return;
    }
    this.remove(candidate);
    this.add(candidate);
  }

  pick(): C | undefined {
    const levels = this.#levels;
    let best = levels[this.#locality.preferred]?.pick();
    let rank = best === undefined ? Number.POSITIVE_INFINITY : this.#rankOf(best);
    if (rank < 0) return best;
    for (const picker of levels) {
      const candidate = picker.pick();
      if (candidate === undefined) continue;
      const other = this.#rankOf(candidate);
      if (other > rank || (other === rank && !picker.before(candidate, best!))) continue;
      best = candidate;
      rank = other;
    }
    const lagging = this.#lagging.pick();
    return lagging !== undefined && (best === undefined || this.before(lagging, best)) ? lagging : best;
  }

  used(candidate: C): void {
    this.#of(candidate).used(candidate);
    if (this.#counts) this.#locality.used(candidate.level);
    else this.#locality.dialled(candidate.level);
  }

  before(a: C, b: C): boolean {
    const picker = this.#of(a);
    if (picker === this.#of(b)) return picker.before(a, b);
    const ranks = this.#rankOf(a) - this.#rankOf(b);
    if (ranks !== 0) return ranks < 0;
    return picker.before(a, b) || (a.level < b.level && !picker.before(b, a));
  }

  #rankOf({ level, lagging }: C): number {
    const rank = this.#locality.rankOf(level);
    return lagging ? Math.max(rank, RANKS) : rank;
  }

  #of({ level, lagging }: C): Picker<C> {
    if (lagging) return this.#lagging;
    for (let n = this.#levels.length; n <= level; n++) this.#levels.push(this.#create<C>());
    return this.#levels[level]!;
  }
}
