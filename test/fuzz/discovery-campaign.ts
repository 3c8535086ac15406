// Plays scenarios of discovery one after another, several at once.
import { CLUSTER_THEMES, generateCluster, playCluster } from './cluster.ts';
import { Dice } from './dice.ts';
import { type DiscoveryFinding, DNS_THEMES, generateDiscovery, playDiscovery } from './discovery.ts';
import { generateNames, NAME_THEMES, playNames } from './names.ts';

export interface DiscoveryOptions {
  readonly seed: number | undefined;
  readonly from: number | undefined;
  readonly seconds: number | undefined;
  readonly seeds: number | undefined;
  /** What all scenarios are about. */
  readonly focus: readonly string[];
  /** What is looked for; none: everything. */
  readonly kinds: readonly string[] | undefined;
  readonly parallel: number;
  readonly print: boolean;
  readonly stopsAtFirst: boolean;
}

/** Plays of a scenario in which something was found, and in how many it must show. */
const PLAYS = 3;
const ENOUGH = 2;

/** Resolves with the exit code. */
export async function fuzzDiscovery({
  seed,
  from,
  seconds,
  seeds,
  focus,
  kinds,
  parallel,
  print,
  stopsAtFirst,
}: DiscoveryOptions): Promise<number> {
  const first = seed ?? from ?? Math.floor(Math.random() * 1e9);
  const most = seeds ?? (seed !== undefined && seconds === undefined ? 1 : Number.POSITIVE_INFINITY);
  const started = performance.now();
  const until =
    started + (seconds ?? (most === Number.POSITIVE_INFINITY ? 60 : Number.POSITIVE_INFINITY)) * 1_000;
  let next = first;
  let requests = 0;
  let found = 0;
  console.log(`first seed: ${first}`);
  if (print) console.log(JSON.stringify(scenarioOf(first, focus), null, 1));
  /** Enough has been found. */
  const stopped = Promise.withResolvers<void>();
  const once = async (seed: number): Promise<DiscoveryFinding[]> => {
    const { findings, requests: sent } = await play(seed, focus);
    requests += sent;
    return findings.filter(({ kind }) => kinds?.includes(kind) ?? true);
  };
  const lane = async () => {
    while (next - first < most && performance.now() < until && !(stopsAtFirst && found > 0)) {
      const seed = next++;
      const findings = await once(seed);
      for (const { kind, text } of findings) {
        let times = 1;
        for (let plays = 1; plays < PLAYS && times < ENOUGH; plays++) {
          if ((await once(seed)).some((other) => other.kind === kind)) times++;
        }
        if (times >= ENOUGH) found++;
        console.log(`${times >= ENOUGH ? 'FOUND' : 'not confirmed'}: seed ${seed}: ${kind}: ${text}`);
        if (stopsAtFirst && found > 0) stopped.resolve();
      }
    }
  };
  await Promise.race([Promise.all(Array.from({ length: Math.min(parallel, most) }, lane)), stopped.promise]);
  const took = Math.round((performance.now() - started) / 1_000);
  console.log(`${next - first} seeds, ${requests} requests in ${took} s: ${found} findings`);
  return found > 0 || requests === 0 ? 1 : 0;
}

/** What a scenario is about: name servers, names that move, or edits in a cluster. */
type Subject = 'servers' | 'names' | 'cluster';

/** Every other one is about DNS, the rest about clusters. */
function subjectOf(seed: number, focus: readonly string[]): Subject {
  const isOf = (themes: readonly string[]) => themes.some((theme) => focus.includes(theme));
  if (isOf(NAME_THEMES)) return 'names';
  if (isOf(DNS_THEMES)) return 'servers';
  if (isOf(CLUSTER_THEMES) || seed % 2 !== 0) return 'cluster';
  // With dice of its own, so that what other seeds bring about stays.
  return new Dice(seed ^ 0x4a3e5).chance(0.2) ? 'names' : 'servers';
}

function play(
  seed: number,
  focus: readonly string[],
): Promise<{ findings: DiscoveryFinding[]; requests: number }> {
  switch (subjectOf(seed, focus)) {
    case 'names':
      return playNames(generateNames(seed, focus));
    case 'servers':
      return playDiscovery(generateDiscovery(seed, focus));
    case 'cluster':
      return playCluster(generateCluster(seed, focus));
  }
}

function scenarioOf(seed: number, focus: readonly string[]): object {
  switch (subjectOf(seed, focus)) {
    case 'names':
      return generateNames(seed, focus);
    case 'servers':
      return generateDiscovery(seed, focus);
    case 'cluster':
      return generateCluster(seed, focus);
  }
}
