import type { BalancedAgentOptions } from '../../src/config/options.ts';
import { inMacrotask } from './microtasks.ts';
import { load, plainPods, upTo } from './plans.ts';
import { play } from './play.ts';
import type { Happening, Load, Reaction } from './scenario.ts';

/** Milliseconds at which the own zone fails, and at which calls end. */
const FAILS = 5_000;
const END = 9_000;
const WORK = 20;
const ZONES = ['own', 'second', 'third'];

const react = (pod: number, reaction: Reaction): Happening => ({ at: FAILS, pod, what: 'react', reaction });

/** What befalls pods: by what it looks like. */
export const FAULTS: Readonly<Record<string, (pod: number) => Happening>> = {
  'answers 503': (pod) => react(pod, '503'),
  'breaks its connections': (pod) => react(pod, 'break'),
  'has died': (pod) => ({ at: FAILS, pod, what: 'die' }),
  'is silent': (pod) => react(pod, 'hang'),
  'is cut off': (pod) => ({ at: FAILS, pod, what: 'cut-off' }),
};

export const POLICIES = ['least-request', 'round-robin', 'peak-ewma'] as const;

/** How calls come, and how many of them are on their way at most as a rule. */
export const LOADS: readonly (readonly [inFlight: number, load: Partial<Load>])[] = [
  [5, { kind: 'open', size: 50 }],
  [20, { kind: 'open', size: 500 }],
  [4, { kind: 'closed', size: 4 }],
  [50, { kind: 'closed', size: 50 }],
  [20, { kind: 'burst', size: 20, pause: 60 }],
  [100, { kind: 'burst', size: 100, pause: 200 }],
];

export interface ZoneScene {
  readonly policy: (typeof POLICIES)[number];
  /** Pods of each zone, and those of the own zone that fail. */
  readonly size: number;
  readonly victims: number;
  readonly fault: (pod: number) => Happening;
  readonly load: Partial<Load>;
}

/** How many calls fail in three zones, of which nothing is sent again, and whose callers wait for a second at most. */
export async function failures(
  { policy, size, victims, fault, load: changes }: ZoneScene,
  locality: BalancedAgentOptions['locality'] & string,
): Promise<number> {
  let failed = 0;
  for (const seed of [1, 2]) {
    const played = await inMacrotask(() =>
      play({
        seed,
        theme: 'zones',
        options: { policy, locality, retry: false },
        multiplexes: false,
        zone: 'own',
        pods: ZONES.flatMap((zone) => plainPods(size, { work: WORK, zone })),
        discovery: [{ at: 0, pods: upTo(size * ZONES.length) }],
        happenings: upTo(victims).map(fault),
        loads: [load({ ...changes, to: END, unrepeatable: 0, impatient: 1, patience: 1_000 })],
        end: { at: END + 2_000, how: 'destroy' },
      }),
    );
    failed += played.failed;
  }
  return failed / 2;
}
