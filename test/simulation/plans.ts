// What scenarios are put together from.
import type { BalancedAgentOptions } from '../../src/config/options.ts';
import type { Dice } from './dice.ts';
import type { AgentPlan, DiscoveryStep, Happening, Load, PodPlan, Reaction } from './scenario.ts';

/** What only HTTP/2 has is something else over HTTP/1.1: see `Reaction`. */
export const REACTIONS: readonly Reaction[] = [
  'hang',
  'break',
  'break-begun',
  'refuse',
  'reset-stream',
  'go-away',
  'answer-close',
  '500',
  '503',
  '503-later',
  '429-later',
  'slow',
];

/** A pod that is in order. */
const PLAIN_POD: PodPlan = {
  work: 3,
  even: false,
  network: 0.5,
  handshake: 1,
  workers: 0,
  keepAlive: 60_000,
  hint: undefined,
  streams: 100,
  settingsAfter: 0.1,
  faults: 0,
  reactions: [],
  zone: undefined,
  weight: undefined,
  named: false,
  lies: undefined,
};

/** Pods that differ from one another by chance. */
export function podPlans(dice: Dice, count: number, always: Partial<PodPlan> = {}): PodPlan[] {
  const faults = dice.one([0, 0, 0.01, 0.05, 0.3]);
  const reactions = dice.some(REACTIONS, 0.4);
  const named = dice.chance(0.5);
  return Array.from({ length: count }, () => {
    // The last one ends its connections moments after a response.
    const keepAlive = dice.one([0, 60_000, 5_000, 2_000, 300, 3]);
    return {
      ...PLAIN_POD,
      work: dice.one([1, 3, 20, 100]),
      even: dice.chance(0.3),
      network: dice.one([0.1, 0.5, 5]),
      handshake: dice.one([0.5, 1, 5, 50, 1_500]),
      workers: dice.one([0, 0, 1, 4]),
      keepAlive,
      hint: dice.one([undefined, undefined, keepAlive, 1_000, 75_000]),
      streams: dice.one([1, 5, 100, 100]),
      settingsAfter: dice.one<number | 'never'>([0.1, 0.1, 1, 30, dice.chance(0.2) ? 'never' : 1]),
      faults: reactions.length > 0 && dice.chance(0.6) ? faults : 0,
      reactions,
      named,
      ...always,
    };
  });
}

/** Pods that are alike. */
export function plainPods(count: number, always: Partial<PodPlan> = {}): PodPlan[] {
  return Array.from({ length: count }, () => ({ ...PLAIN_POD, ...always }));
}

/** Numbers from 0 to below `count`. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

const PLAIN_LOAD: Load = {
  name: 0,
  kind: 'open',
  from: 1,
  to: 10_000,
  size: 50,
  pause: 0,
  byTimer: false,
  unrepeatable: 0.3,
  lasting: 0,
  keyed: 0,
  keys: 50,
  impatient: 0,
  patience: 1_000,
};

export function load(changes: Partial<Load> = {}): Load {
  return { ...PLAIN_LOAD, ...changes };
}

/** Some loads that make so many calls together, more or less, in that many milliseconds. */
export function loads(dice: Dice, to: number, calls: number, always: Partial<Load> = {}): Load[] {
  const count = dice.from(1, 3);
  return upTo(count).map((name) => {
    const from = dice.chance(0.5) ? 1 : dice.below(to / 2);
    const until = dice.chance(0.5) ? to : from + dice.below(to - from) + 1;
    const share = calls / count;
    const kind = always.kind ?? dice.one(['open', 'open', 'closed', 'burst', 'trickle'] as const);
    const pause = kind === 'closed' ? dice.one([0, 1, 20, 200]) : dice.one([10, 200, 1_000, 5_000]);
    return load({
      name,
      kind,
      from,
      to: until,
      size: Math.max(1, Math.round(sizeFor(kind, share, until - from, pause))),
      pause,
      byTimer: dice.chance(0.4),
      unrepeatable: dice.one([0, 0.3, 1]),
      lasting: dice.one([0, 0, 0.1]),
      keyed: dice.one([0, 0.5, 1]),
      keys: dice.one([1, 10, 1_000]),
      impatient: dice.one([0, 0, 0.2, 0.8]),
      patience: dice.one([5, 50, 500, 3_000]),
      ...always,
    });
  });
}

function sizeFor(kind: Load['kind'], calls: number, milliseconds: number, pause: number): number {
  switch (kind) {
    case 'open':
      return (calls * 1_000) / milliseconds;
    case 'closed':
      // For what a call takes as a rule, with its pause.
      return Math.min(30, (calls * (pause + 15)) / milliseconds);
    case 'burst':
      return Math.min(calls, (calls * pause) / milliseconds + 1);
    case 'trickle':
      return Math.max(100, milliseconds / calls);
  }
}

const POLICIES = ['least-request', 'round-robin', 'peak-ewma', 'ring-hash'] as const;

/** Options by chance: most are left as they are. */
export function options(dice: Dice, always: BalancedAgentOptions = {}): BalancedAgentOptions {
  const drawn: BalancedAgentOptions = {
    policy: dice.one(POLICIES),
    ...(dice.chance(0.3) && { connections: dice.one([1, 2, 5]) }),
    ...(dice.chance(0.3) && { maxConnectionDuration: dice.one(['500ms', '2s', '10s']) }),
    ...(dice.chance(0.2) && { connectionDurationJitter: dice.one([0, 1]) }),
    ...(dice.chance(0.3) && { maxRequestsPerConnection: dice.one([1, 2, 20]) }),
    ...(dice.chance(0.2) && { drainTimeout: dice.one(['200ms', '2s']) }),
    ...(dice.chance(0.2) && { maxRequestsPerEndpoint: dice.one([1, 3, 20]) }),
    ...(dice.chance(0.2) && { maxPendingRequests: dice.one([1, 10, 100]) }),
    ...(dice.chance(0.3) && { endpointTimeout: dice.one(['300ms', '2s']) }),
    ...(dice.chance(0.2) && { slowStart: { window: '5s' } }),
    ...(dice.chance(0.2) && { identityHeader: 'x-no-such-header' }),
    ...(dice.chance(0.2) && {
      retry: dice.one([false, { attempts: 1 }, { budget: 0, minRetriesPerSecond: 0.5 }]),
    }),
    ...(dice.chance(0.4) && { outlierDetection: outliers(dice) }),
    ...(dice.chance(0.2) && {
      healthCheck: { path: '/healthz', interval: dice.one(['500ms', '5s']), timeout: '300ms' },
    }),
    ...(dice.chance(0.1) && { originIdleTimeout: '2s' }),
  };
  return { ...drawn, ...always };
}

export function outliers(dice: Dice): Exclude<BalancedAgentOptions['outlierDetection'], undefined> {
  if (dice.chance(0.1)) return false;
  return {
    consecutiveFailures: dice.one([1, 3, 5]),
    successRateInterval: dice.one(['1s', '10s']),
    successRateMinimumHosts: dice.one([2, 5]),
    successRateRequestVolume: dice.one([10, 100]),
    baseEjectionTime: dice.one(['500ms', '3s', '30s']),
    maxEjectionTime: dice.one(['2s', '300s']),
    maxEjectionPercent: dice.one([10, 30, 50, 100]),
    panicThreshold: dice.one([0, 50, 100]),
  };
}

/** Agents of node:http. Most have no limits; `unlimited`: none has. */
export function agentPlans(dice: Dice, unlimited: boolean): AgentPlan[] {
  const isLimited = !unlimited && dice.chance(0.3);
  return upTo(dice.one([1, 1, 2, 3])).map(() => ({
    balanced: dice.chance(0.5),
    maxSockets: isLimited ? dice.one([0, 1, 5, 20]) : 0,
    maxTotalSockets: isLimited ? dice.one([0, 0, 3]) : 0,
    timeout: dice.one([0, 0, 0, unlimited ? 0 : 2_000]),
  }));
}

/** All pods are there from the first. */
export function known(
  pods: number,
  more: Partial<Extract<DiscoveryStep, { pods: unknown }>> = {},
): DiscoveryStep {
  return { at: 0, pods: upTo(pods), ...more };
}

/** Something that happens to a pod and is over after a while, most of the time. */
export function trouble(dice: Dice, pod: number, at: number): Happening[] {
  const end = at + dice.one([5, 100, 1_000, 5_000, 20_000]);
  switch (dice.below(8)) {
    case 0:
      return [
        { at, pod, what: 'die' },
        { at: end, pod, what: 'revive' },
      ];
    case 1:
      return [{ at, pod, what: 'restart' }];
    case 2:
      return [
        { at, pod, what: 'freeze' },
        { at: end, pod, what: 'thaw' },
      ];
    case 3:
      return [
        { at, pod, what: 'cut-off' },
        { at: end, pod, what: 'reconnect' },
      ];
    case 4:
      return [
        { at, pod, what: dice.one(['refuse-dials', 'ignore-dials']) },
        { at: end, pod, what: 'take-dials' },
      ];
    case 5:
      return [{ at, pod, what: 'go-away' }];
    case 6:
      return [
        { at, pod, what: 'react', reaction: dice.one(REACTIONS) },
        { at: end, pod, what: 'react', reaction: undefined },
      ];
    default:
      return terminates(pod, at, end);
  }
}

/** As Kubernetes ends a pod: it takes no more connections, closes those that are idle, and is killed in the end. */
export function terminates(pod: number, at: number, killedAt: number): Happening[] {
  return [
    { at, pod, what: 'refuse-dials' },
    { at, pod, what: 'go-away' },
    { at: killedAt, pod, what: 'die' },
  ];
}
