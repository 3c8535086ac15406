/** Dials that are remembered. */
const MEMORY = 256;
/** Dials for each pod after which one that none of them has led to has left, for all we know: one in four hundred is still there. */
const LATELY = 6;
/** Dials for each pod after which a name that has not come back is an invention; several of them are no chance. */
const SEEN_ONCE = 7;
const INVENTIONS = 3;
/** Dials for each name from which on it shows whether each of them stands for as many pods. */
const ENOUGH_FOR_EACH = 4;
/** How far from even, in standard deviations, is no chance: once in months. */
const UNEVEN = 6;
const UNEVEN_AT_ALL = 8;

/**
 * Where the last dials to a virtual IP have led: to pods that have told their name, or haven't. Somebody else chose
 * among all pods for each of them, so that it tells how many of the pods have no name, and whether names are what they should be:
 * one for each pod, always the same.
 */
export class PodCensus {
  /** The last one comes last. `null`: a pod without a name. */
  readonly #dials: (string | null)[] = [];

  /** A dial has led to a pod of that name. */
  add(name: string | null): void {
    this.#dials.push(name);
    if (this.#dials.length > MEMORY) this.#dials.shift();
  }

  /** The last dial that led to a pod without a name did lead to one that has a name, and was late to tell it. */
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

  /** The share of the pods that have no name. */
  get nameless(): number {
    const { length } = this.#dials.filter((name) => name === null);
    return length === 0 ? 0 : length / this.#dials.length;
  }

  /** Whether a pod still has its share of the dials, of so many pods that have names. */
  isSeen(name: string, pods: number): boolean {
    const since = this.#dials.length - 1 - this.#dials.lastIndexOf(name);
    const span = Math.min((LATELY * pods) / (1 - Math.min(this.nameless, 0.9)), MEMORY - 1);
    return since < span;
  }

  /** Whether the names may be those of pods, each of which has one. `pods`: those that are connected. */
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

/** Whether there are names that don't come back, as if a new one was made up for each connection. */
function hasInventions(
  dials: number,
  firstAt: ReadonlyMap<string | null, number>,
  counts: ReadonlyMap<string | null, number>,
): boolean {
  const again = [...counts.values()].filter((count) => count > 1);
  // Of those that have come back: as often as dials lead to one pod, whatever the others are.
  const usual = again.reduce((sum, count) => sum + count, 0) / again.length;
  let inventions = 0;
  for (const [name, count] of counts) {
    if (count === 1 && ((dials - firstAt.get(name)!) * usual) / dials > SEEN_ONCE) inventions++;
  }
  return inventions >= INVENTIONS;
}

/** Whether, since the newest name came up, dials have led to each as often, by Pearson's test. */
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
