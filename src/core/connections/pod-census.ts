/** How many dials are remembered. */
const MEMORY = 256;
/**
 * If none of so many dials for each pod has led to a pod, that pod has probably left: one in four hundred is still
 * there.
 */
const LATELY = 6;
/** A larger share of dials without a name counts as this one, because the rest is a divisor. */
const MOST_NAMELESS = 0.9;
/** A name that has not come back after so many dials for each pod was made up. Several such names are no chance. */
const SEEN_ONCE = 7;
const INVENTIONS = 3;
/** After so many dials for each name, it shows whether each name stands for as many pods. */
const ENOUGH_FOR_EACH = 4;
/** How many standard deviations from even are no chance: that happens once in months. */
const UNEVEN = 6;
const UNEVEN_AT_ALL = 8;

/**
 * Where the last dials to a virtual IP have led: to pods with a name, or without. Something else chose among all pods
 * for each dial. So the dials show how many pods have no name, and whether names are what they should be: one for each
 * pod, always the same.
 */
export class PodCensus {
  /** The oldest dial first. `null`: the pod has no name. */
  readonly #dials: (string | null)[] = [];

  /** A dial has led to a pod with this name. */
  add(name: string | null): void {
    this.#dials.push(name);
    if (this.#dials.length > MEMORY) this.#dials.shift();
  }

  /** The last dial that seemed to lead to a pod without a name led to one with a name, which came late. */
  rename(name: string | null): void {
    const index = this.#dials.lastIndexOf(null);
    if (index < 0) this.add(name);
    else this.#dials[index] = name;
  }

  clear(): void {
    this.#dials.length = 0;
  }

  /** How many different names there were. */
  get names(): number {
    return new Set(this.#dials.filter((name) => name !== null)).size;
  }

  /** Which share of the pods has no name, from 0 to 1. */
  get nameless(): number {
    const { length } = this.#dials.filter((name) => name === null);
    return length === 0 ? 0 : length / this.#dials.length;
  }

  /** Whether a pod still gets its share of the dials. `pods`: how many pods have names. */
  isSeen(name: string, pods: number): boolean {
    const since = this.#dials.length - 1 - this.#dials.lastIndexOf(name);
    const span = Math.min((LATELY * pods) / (1 - Math.min(this.nameless, MOST_NAMELESS)), MEMORY - 1);
    return since < span;
  }

  /** Whether the names may be names of pods, one for each. `pods`: the names of connected pods. */
  isPlausible(pods: ReadonlySet<string>): boolean {
    const named = this.#dials.filter((name) => name !== null && pods.has(name));
    const firstAt = new Map<string | null, number>();
    const counts = new Map<string | null, number>();
    for (const [n, name] of named.entries()) {
      if (!firstAt.has(name)) firstAt.set(name, n);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return !hasInventions(named.length, firstAt, counts) && isEven(named, Math.max(...firstAt.values()));
  }
}

/** Whether there are names that don't come back, as if a new one were made up for each connection. */
function hasInventions(
  dials: number,
  firstAt: ReadonlyMap<string | null, number>,
  counts: ReadonlyMap<string | null, number>,
): boolean {
  const again = [...counts.values()].filter((count) => count > 1);
  // How often dials lead to one pod, taken from the names that came back.
  const usual = again.reduce((sum, count) => sum + count, 0) / again.length;
  let inventions = 0;
  for (const [name, count] of counts) {
    if (count === 1 && ((dials - firstAt.get(name)!) * usual) / dials > SEEN_ONCE) inventions++;
  }
  return inventions >= INVENTIONS;
}

/** Whether dials have led to each name equally often since the newest name appeared, by Pearson's test. */
function isEven(named: readonly (string | null)[], newestAt: number): boolean {
  const counts = new Map<string | null, number>(named.map((name) => [name, 0]));
  for (const name of named.slice(newestAt + 1)) counts.set(name, counts.get(name)! + 1);
  const expected = (named.length - newestAt - 1) / counts.size;
  if (counts.size < 2 || expected < ENOUGH_FOR_EACH) return true;
  let distance = 0;
  for (const count of counts.values()) distance += (count - expected) ** 2 / expected;
  const freedom = counts.size - 1;
  return distance < freedom + UNEVEN * Math.sqrt(2 * freedom) + UNEVEN_AT_ALL;
}
