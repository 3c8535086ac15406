/**
 * Seconds that each file takes, as measured on two cores. `run.ts` says so if one took longer, and fails if nothing else kept
 * the machine busy.
 */
export const TAKES: Readonly<Record<string, number>> = {
  'bed.netns.ts': 12,
  'few-clients.netns.ts': 17,
  'headless.netns.ts': 20,
  'sockets.netns.ts': 25,
  'streams.netns.ts': 56,
  'trickle.netns.ts': 68,
  'dropped.netns.ts': 75,
  'rotation.netns.ts': 100,
  'proxies.netns.ts': 112,
  'auto.netns.ts': 125,
  'rest.netns.ts': 125,
  'spread.netns.ts': 130,
  'identify.netns.ts': 132,
  'rollout.netns.ts': 150,
};

/** How many times that a file may take before it is late. */
const MARGIN = 1.3;

/** Seconds that are kept for a file. */
export function timeFor(name: string): number {
  return TAKES[name]! * MARGIN;
}

/** The shortest first, so that as many as possible are run in a time that isn't enough for all. */
export function shortestFirst(names: readonly string[]): string[] {
  return names.toSorted((a, b) => timeFor(a) - timeFor(b));
}
