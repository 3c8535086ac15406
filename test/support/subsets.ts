import { evenSubset, rendezvousSubset, type Subset } from '../../src/core/endpoints/subset.ts';

export const SIZE = 20;
export const CLIENTS = 1_000;

export const POLICIES: Record<'even' | 'rendezvous', (client: number) => Subset> = {
  even: (client) => evenSubset(SIZE, client),
  rendezvous: (client) => rendezvousSubset(SIZE, `web-${client * 7919} 1 1`),
};

export const pods = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `10.0.${n >> 8}.${n & 255}:8080`);

export const key = (pod: string): string => pod;

export function subsets(
  of: keyof typeof POLICIES,
  among: readonly string[],
  clients = CLIENTS,
): Set<string>[] {
  return Array.from({ length: clients }, (_, client) => new Set(POLICIES[of](client)(among, key)));
}

/** How many clients each pod has. */
export function clientsOf(among: readonly string[], all: readonly Set<string>[]): number[] {
  const counts = new Map(among.map((pod) => [pod, 0]));
  for (const subset of all) for (const pod of subset) counts.set(pod, counts.get(pod)! + 1);
  return [...counts.values()];
}

/** The share of connections that are made anew. */
export function moved(before: readonly Set<string>[], after: readonly Set<string>[]): number {
  const made = after.flatMap((subset, client) => [...subset].filter((pod) => !before[client]!.has(pod)));
  return made.length / (after.length * SIZE);
}
