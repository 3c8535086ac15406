// What scenarios are about. Chance alone would meet what matters seldom: each theme has much of one thing, and of all
// other things what chance gives.
import type { BalancedAgentOptions } from '../../src/config/options.ts';
import { Dice } from './dice.ts';
import {
  agentPlans,
  known,
  load,
  loads,
  options,
  outliers,
  plainPods,
  podPlans,
  terminates,
  trouble,
  upTo,
} from './plans.ts';
import type { DiscoveryStep, Happening, Scenario } from './scenario.ts';

type Theme = (dice: Dice) => Omit<Scenario, 'seed' | 'theme'>;

/** Calls of a scenario, more or less. */
const CALLS = 600;
const ENDS = ['close', 'close', 'destroy', 'rest'] as const;

/** Anything, to anybody, at any time. */
function anything(dice: Dice): ReturnType<Theme> {
  const count = dice.one([1, 2, 3, 5, 12, 30]);
  const duration = dice.from(1_000, 20_000);
  return {
    options: options(dice),
    multiplexes: dice.chance(0.5),
    pods: podPlans(dice, count),
    discovery: news(dice, count, duration),
    happenings: troubles(dice, count, duration, dice.from(0, 6)),
    loads: loads(dice, duration, CALLS),
    end: { at: dice.from(duration / 2, duration + 2_000), how: dice.one(ENDS) },
  };
}

/** What discovery says: all from the first, or ever other sets. */
function news(dice: Dice, count: number, duration: number): DiscoveryStep[] {
  const steps: DiscoveryStep[] = [];
  if (dice.chance(0.9)) steps.push(known(dice.from(1, count), { pushed: dice.chance(0.3) }));
  const changes = dice.one([0, 0, 1, 3, 10]);
  for (let n = 0; n < changes; n++) steps.push(change(dice, count, dice.below(duration)));
  return steps.sort((a, b) => a.at - b.at);
}

function change(dice: Dice, count: number, at: number): DiscoveryStep {
  switch (dice.below(10)) {
    case 0:
      return { at, error: 'ENOTFOUND' };
    case 1:
      return { at, ends: dice.one(['throws', 'returns']) };
    case 2:
      return { at, pods: [] };
    case 3:
      return { at, pods: dice.some(upTo(count), 0.7), withdrawn: true };
    default:
      return {
        at,
        pods: dice.some(upTo(count), dice.one([0.3, 0.7, 1])).reverse(),
        ...(dice.chance(0.3) && { validFor: dice.one([10, 1_000, 30_000]) }),
        ...(dice.chance(0.2) && { generation: dice.from(1, 3) }),
        relents: dice.chance(0.2),
        pushed: dice.chance(0.3),
        passive: dice.chance(0.05),
      };
  }
}

function troubles(dice: Dice, pods: number, duration: number, count: number): Happening[] {
  return upTo(count)
    .flatMap(() => trouble(dice, dice.below(pods), dice.below(duration)))
    .sort((a, b) => a.at - b.at);
}

/** Pods that are alike, a load that is steady: each has its share, and after a change soon again. */
function shares(dice: Dice): ReturnType<Theme> {
  const count = dice.from(2, 8);
  const before = dice.from(1, count);
  const rate = dice.one([200, 400]);
  // A new pod has to be connected, and what runs has to end.
  const sharesFrom = 3_000;
  const policy = dice.one(['least-request', 'round-robin', 'peak-ewma'] as const);
  return {
    options: { policy },
    multiplexes: dice.chance(0.5),
    // A response that takes long by chance keeps others away for ten seconds: that is what peaks are for.
    pods: plainPods(count, { work: dice.one([2, 10]), even: policy === 'peak-ewma' }),
    discovery: [known(before), { at: 1_000, pods: upTo(count) }],
    happenings: [],
    loads: [load({ size: rate, to: 6_000 })],
    end: { at: 6_500, how: 'close' },
    sharesFrom,
  };
}

/** Pods that are slow, frozen, cut off, or whose connections are lost: which of them is dead? */
function deaths(dice: Dice): ReturnType<Theme> {
  const count = dice.from(1, 5);
  const duration = dice.from(5_000, 60_000);
  const happenings = upTo(dice.from(1, 4)).flatMap((): Happening[] => {
    const pod = dice.below(count);
    const at = dice.below(duration / 2);
    const end = at + dice.one([500, 5_000, 20_000, 90_000]);
    switch (dice.below(4)) {
      case 0:
        return [
          { at, pod, what: 'freeze' },
          { at: end, pod, what: 'thaw' },
        ];
      case 1:
        return [
          { at, pod, what: 'cut-off' },
          { at: end, pod, what: 'reconnect' },
        ];
      case 2:
        return [
          { at, pod, what: 'cut-off' },
          { at: at + 100, pod, what: 'die' },
          { at: end, pod, what: 'reconnect' },
          { at: end, pod, what: 'revive' },
        ];
      default:
        return [{ at, pod, what: 'lose' }];
    }
  });
  return {
    options: dice.chance(0.5) ? {} : options(dice),
    multiplexes: dice.chance(0.5),
    pods: podPlans(dice, count, { faults: 0, work: dice.one([1, 30, 4_000]) }),
    discovery: [known(count)],
    happenings: [...happenings, ...stills(dice, duration)].sort((a, b) => a.at - b.at),
    loads: loads(dice, duration, 200, { impatient: dice.one([0, 0, 0.2]), patience: 20_000 }),
    end: { at: duration, how: dice.one(ENDS) },
  };
}

function stills(dice: Dice, duration: number): Happening[] {
  return upTo(dice.one([0, 1, 3])).map(() => ({
    at: dice.below(duration),
    what: dice.one(['stand-still', 'jump'] as const),
    for: dice.one([20, 300, 2_000, 15_000, 100_000]),
  }));
}

/** This process stands still, or its clock jumps, while all goes on. */
function still(dice: Dice): ReturnType<Theme> {
  const scenario = anything(dice);
  const duration = scenario.end.at;
  const happenings = [
    ...scenario.happenings,
    ...stills(dice, duration),
    ...stills(dice, duration),
    ...stills(dice, duration),
  ];
  return { ...scenario, happenings: happenings.sort((a, b) => a.at - b.at) };
}

/**
 * While this process stands still, pods answer and restart: as it goes on, calls that have waited are given to connections
 * that are lost, one after the other, and come back.
 */
function comebacks(dice: Dice): ReturnType<Theme> {
  const count = dice.from(1, 4);
  const connections = dice.from(2, 5);
  const work = dice.one([20, 100]);
  const duration = dice.from(2_000, 6_000);
  const happenings = upTo(dice.from(1, 3)).flatMap((): Happening[] => {
    const at = dice.below(duration);
    const restarts = dice
      .some(upTo(count), 0.7)
      .map((pod) => ({ at: at + work + 1, pod, what: 'restart' }) as const);
    return [{ at, what: 'stand-still', for: dice.one([300, 1_000]) }, ...restarts];
  });
  const kind = dice.one(['open', 'closed'] as const);
  const enough = (duration / work) * count * connections;
  return {
    options: options(dice, { connections, maxRequestsPerEndpoint: 0 }),
    multiplexes: false,
    pods: podPlans(dice, count, { faults: 0, work, even: false }),
    discovery: [known(count)],
    happenings: happenings.sort((a, b) => a.at - b.at),
    loads: loads(dice, duration, Math.min(enough, 500), { kind, keyed: 0, lasting: 0, impatient: 0 }),
    end: { at: duration + 1_000, how: 'close' },
  };
}

/** Pods close idle connections early, some say so, and some say something else. */
function hints(dice: Dice): ReturnType<Theme> {
  const count = dice.from(1, 10);
  const duration = dice.from(10_000, 60_000);
  const pods = upTo(count).map(() => {
    const keepAlive = dice.one([50, 300, 1_000, 3_000, 5_000, 60_000]);
    return { keepAlive, hint: dice.one([undefined, keepAlive, 1, 2_500, 600_000]) };
  });
  return {
    options: options(dice, { connections: null, maxRequestsPerEndpoint: 0 }),
    multiplexes: dice.chance(0.2),
    pods: podPlans(dice, count, { faults: 0 }).map((plan, n) => ({ ...plan, ...pods[n] })),
    discovery: [known(count)],
    happenings: [],
    loads: loads(dice, duration, 300, { kind: dice.one(['trickle', 'open', 'burst']) }),
    end: { at: duration + 1_000, how: dice.one(ENDS) },
  };
}

/** Callers by node:http, and pods that close idle connections just as these are used: some say so, and some don't. */
function crossings(dice: Dice): ReturnType<Theme> {
  const count = dice.from(1, 6);
  const duration = dice.from(5_000, 20_000);
  const pods = upTo(count).map(() => {
    const keepAlive = dice.one([20, 50, 100, 300]);
    return { keepAlive, hint: dice.one([undefined, undefined, 2_000 + keepAlive]) };
  });
  return {
    options: dice.chance(0.5) ? {} : options(dice, { connections: null, maxRequestsPerEndpoint: 0 }),
    multiplexes: false,
    crosses: true,
    pods: podPlans(dice, count, {
      faults: dice.one([0, 0, 0.05]),
      network: dice.one([1, 5, 20]),
      work: 2,
    }).map((plan, n) => ({ ...plan, ...pods[n] })),
    discovery: [known(count)],
    happenings: troubles(dice, count, duration, dice.one([0, 0, 2])),
    loads: loads(dice, duration, 500, { kind: dice.one(['trickle', 'open', 'burst']), lasting: 0 }),
    end: { at: duration + 1_000, how: dice.one(ENDS) },
  };
}

/** Pods end each connection right after its first response, and don't say so: a POST that waits would be lost on it. */
function unkept(dice: Dice): ReturnType<Theme> {
  const count = dice.from(1, 4);
  const duration = dice.from(3_000, 10_000);
  const bursts = { kind: 'burst', pause: 2_500, size: dice.from(2, 60), unrepeatable: 1 } as const;
  const pods = { faults: 1, reactions: ['answer-end'], workers: 0, network: dice.one([0.2, 1, 4]) } as const;
  return {
    options: { policy: dice.one(['least-request', 'round-robin'] as const) },
    multiplexes: false,
    pods: podPlans(dice, count, { ...pods, work: dice.one([2, 10, 50]) }),
    discovery: [known(count)],
    happenings: [],
    loads: [load({ ...bursts, from: 1, to: duration, byTimer: dice.chance(0.5) })],
    end: { at: duration + 5_000, how: 'close' },
    servesAll: true,
  };
}

/** A pod ends connections that idle, and doesn't say so. Then it takes no more new ones, and goes on serving those that are used. */
function resting(dice: Dice): ReturnType<Theme> {
  const keepAlive = dice.one([300, 1_000, 2_000]);
  const learned = 6 * 1.5 * keepAlive;
  const refusesAt = learned + 3 * keepAlive;
  const end = refusesAt + 20 * keepAlive;
  const calls = { kind: 'trickle', unrepeatable: dice.one([0.5, 1]), byTimer: dice.chance(0.5) } as const;
  return {
    options: {},
    multiplexes: false,
    pods: plainPods(1, { work: 2 }).map((plan) => ({ ...plan, keepAlive })),
    discovery: [known(1)],
    happenings: [{ at: refusesAt, pod: 0, what: 'refuse-dials' }],
    loads: [
      load({ ...calls, name: 1, from: 1, to: learned, size: 1.5 * keepAlive }),
      load({ ...calls, name: 2, from: learned, to: end, size: dice.one([0.8, 0.85, 0.9]) * keepAlive }),
    ],
    end: { at: end + 100, how: 'close' },
    servesAll: true,
  };
}

/** Of pods that are alike, one says that it keeps idle connections for a moment only, which may be true: all have their share. */
function oneHint(dice: Dice): ReturnType<Theme> {
  const count = dice.from(2, 8);
  const hint = dice.one([1, 50, 300, 1_000]);
  const policy = dice.one(['least-request', 'round-robin'] as const);
  const pods = plainPods(count, { work: dice.one([2, 10]) });
  return {
    options: { policy },
    multiplexes: false,
    pods: pods.map((plan, n) => (n === 0 ? { ...plan, hint, keepAlive: dice.one([hint, 60_000]) } : plan)),
    discovery: [known(count)],
    happenings: [],
    loads: [load({ size: dice.one([200, 400]), to: 8_000 })],
    end: { at: 8_500, how: 'close' },
    sharesFrom: 3_000,
  };
}

/** The name goes, comes back, is known too long, leads to nobody, or cannot be asked for. */
function names(dice: Dice): ReturnType<Theme> {
  const count = dice.from(1, 8);
  const duration = dice.from(5_000, 30_000);
  const discovery = upTo(dice.from(1, 8)).map((): DiscoveryStep => {
    const at = dice.below(duration);
    switch (dice.below(6)) {
      case 0:
        return { at, pods: upTo(count), withdrawn: true };
      case 1:
        return { at, error: dice.one(['ENOTFOUND', 'ESERVFAIL', 'ETIMEOUT']) };
      case 2:
        return { at, pods: [] };
      case 3:
        return { at, ends: dice.one(['throws', 'returns']) };
      case 4:
        return { at, pods: upTo(count), validFor: dice.one([0, 500, 5_000]) };
      default:
        return { at, pods: dice.some(upTo(count), 0.8) };
    }
  });
  return {
    options: options(dice, { policy: dice.one(['least-request', 'round-robin', 'ring-hash'] as const) }),
    multiplexes: dice.chance(0.5),
    pods: podPlans(dice, count, { handshake: 1 }),
    discovery: [...(dice.chance(0.8) ? [known(count)] : []), ...discovery.sort((a, b) => a.at - b.at)],
    happenings: troubles(dice, count, duration, dice.from(0, 4)),
    loads: loads(dice, duration, CALLS, { lasting: 0 }),
    end: { at: duration, how: dice.one(ENDS) },
  };
}

/** Many calls at once, few connections, slow dials, and callers who give up. */
function bursts(dice: Dice): ReturnType<Theme> {
  const count = dice.from(1, 12);
  const duration = dice.from(2_000, 20_000);
  return {
    options: options(dice, dice.chance(0.5) ? { connections: dice.one([1, 2, 10]) } : {}),
    multiplexes: dice.chance(0.4),
    pods: podPlans(dice, count, { handshake: dice.one([0.2, 5, 300]), work: dice.one([0.1, 1, 10, 300]) }),
    discovery: [{ ...known(count), at: dice.one([0, 0, 50, 3_000]) }],
    happenings: troubles(dice, count, duration, dice.from(0, 3)),
    loads: upTo(dice.from(1, 2)).map((name) =>
      load({
        name,
        kind: 'burst',
        from: dice.from(1, 100),
        to: duration,
        size: dice.one([5, 50, 200]),
        pause: dice.one([duration, 3_000, 7_000]),
        byTimer: dice.chance(0.5),
        unrepeatable: dice.one([0, 1]),
        lasting: dice.one([0, 0, 0.2]),
        keyed: dice.one([0, 0.5]),
        impatient: dice.one([0, 0.5]),
        patience: dice.one([10, 400]),
      }),
    ),
    end: { at: duration, how: dice.one(ENDS) },
  };
}

/** HTTP/2: GOAWAYs, streams that are refused, few of them, and peers that never say how many they take. */
function streams(dice: Dice): ReturnType<Theme> {
  const count = dice.from(1, 6);
  const duration = dice.from(2_000, 15_000);
  const goAways = upTo(dice.from(0, 8)).map(
    (): Happening => ({
      at: dice.below(duration),
      pod: dice.below(count),
      what: 'go-away',
    }),
  );
  return {
    options: options(dice),
    multiplexes: true,
    pods: podPlans(dice, count, {
      streams: dice.one([1, 2, 10, 100]),
      settingsAfter: dice.one<number | 'never'>([0.1, 10, 500, 'never']),
      faults: dice.one([0, 0.05, 0.5]),
      reactions: dice
        .some(['refuse', 'go-away', 'reset-stream', 'break', 'slow'] as const, 0.5)
        .concat('refuse'),
    }),
    discovery: [known(count)],
    happenings: [...goAways, ...troubles(dice, count, duration, dice.from(0, 2))].sort((a, b) => a.at - b.at),
    loads: loads(dice, duration, CALLS),
    end: { at: duration, how: dice.one(ENDS) },
  };
}

/** Sessions of connect-node: the first calls of all come before any is there, and again when all have ended. */
function sessions(dice: Dice): ReturnType<Theme> {
  const count = dice.from(1, 6);
  const duration = dice.from(1_000, 8_000);
  const restarts = upTo(dice.from(0, 2)).flatMap((): Happening[] => {
    const at = dice.below(duration);
    return upTo(count).map((pod) => ({ at, pod, what: dice.one(['restart', 'go-away'] as const) }));
  });
  return {
    options: options(dice),
    multiplexes: true,
    sessions: true,
    pods: podPlans(dice, count, {
      streams: dice.one([1, 2, 10, 100]),
      faults: dice.one([0, 0.05]),
      reactions: ['refuse', 'go-away', 'reset-stream', 'slow'],
    }),
    discovery: [known(count)],
    happenings: [...restarts, ...troubles(dice, count, duration, dice.from(0, 2))].sort(
      (a, b) => a.at - b.at,
    ),
    loads: loads(dice, duration, CALLS),
    // Now and then while the first ones are still waited for.
    end: { at: dice.chance(0.2) ? dice.from(1, 100) : duration, how: dice.one(ENDS) },
  };
}

/** Connections reach their ages and their numbers of requests, and have successors. */
function rotations(dice: Dice): ReturnType<Theme> {
  const count = dice.from(1, 8);
  const duration = dice.from(5_000, 30_000);
  const always: BalancedAgentOptions = {
    ...(dice.chance(0.8) && { maxConnectionDuration: dice.one(['100ms', '1s', '5s']) }),
    ...(dice.chance(0.5) && { maxRequestsPerConnection: dice.one([1, 2, 5, 100]) }),
  };
  return {
    options: options(dice, always),
    multiplexes: dice.chance(0.5),
    pods: podPlans(dice, count, { handshake: dice.one([1, 30, 400]) }),
    discovery: [known(count)],
    happenings: troubles(dice, count, duration, dice.from(0, 3)),
    loads: loads(dice, duration, 1_000),
    end: { at: duration, how: dice.one(ENDS) },
  };
}

/** Deployments: pods end in good order or not, new ones come, addresses are given away, and news are late or out of order. */
function rollouts(dice: Dice): ReturnType<Theme> {
  const count = dice.from(2, 12);
  const reserve = dice.from(1, count);
  const step = dice.one([50, 500, 2_000]);
  const discovery: DiscoveryStep[] = [known(count, { pushed: dice.chance(0.5), generation: 0 })];
  const happenings: Happening[] = upTo(reserve).map((n) => ({ at: 0, pod: count + n, what: 'die' }));
  let alive = upTo(count);
  for (let n = 0; n < reserve; n++) {
    const at = 500 + n * step;
    const late = dice.one([-200, 0, 100, 1_000]);
    const old = n;
    const fresh = dice.chance(0.2) ? old : count + n;
    if (fresh === old) happenings.push({ at, pod: old, what: 'restart' });
    else
      happenings.push(
        { at, pod: fresh, what: 'revive' },
        ...terminates(old, at, at + dice.one([0, 300, 5_000])),
      );
    alive = [...alive.filter((id) => id !== old), fresh];
    discovery.push({
      at: Math.max(1, at + late),
      pods: alive,
      ...(fresh === old && { generation: n + 1 }),
      pushed: true,
    });
  }
  const duration = 1_500 + reserve * step;
  return {
    options: options(dice),
    multiplexes: dice.chance(0.5),
    pods: podPlans(dice, count + reserve),
    discovery: discovery.sort((a, b) => a.at - b.at),
    happenings: happenings.sort((a, b) => a.at - b.at),
    loads: loads(dice, duration, CALLS),
    end: { at: duration + dice.below(1_000), how: dice.one(ENDS) },
  };
}

/** A virtual IP, behind which somebody else draws; responses may say which pod they come from. */
function virtualIps(dice: Dice): ReturnType<Theme> {
  const count = dice.from(1, 10);
  const duration = dice.from(3_000, 40_000);
  const discovery: DiscoveryStep[] = [known(count, { virtual: true })];
  for (let n = dice.from(0, 4); n > 0; n--) {
    const pods = dice.some(upTo(count), 0.7);
    const isTakeover = dice.chance(0.3);
    discovery.push({ at: dice.below(duration), pods, virtual: !isTakeover });
  }
  return {
    options: options(dice, {
      ...(dice.chance(0.5) && { spread: dice.one([1, 3, 8, 'auto'] as const) }),
      ...(dice.chance(0.3) && { maxSpread: dice.one([1, 10]) }),
    }),
    multiplexes: dice.chance(0.5),
    pods: podPlans(dice, count, { named: dice.chance(0.7) }).map((plan) => ({
      ...plan,
      lies: dice.one([
        undefined,
        undefined,
        undefined,
        'as others',
        dice.chance(0.3) ? 'each time' : undefined,
      ]),
    })),
    discovery: discovery.sort((a, b) => a.at - b.at),
    happenings: troubles(dice, count, duration, dice.from(0, 4)),
    loads: loads(dice, duration, CALLS),
    end: { at: duration, how: dice.one(ENDS) },
  };
}

/** It changes again and again whether pods are seen, or found behind a virtual IP, while some of them fail what they were doing. */
function takeovers(dice: Dice): ReturnType<Theme> {
  const count = dice.from(2, 6);
  const duration = dice.from(3_000, 12_000);
  const changes = upTo(dice.from(2, 8)).map((n): DiscoveryStep => {
    const at = dice.below(duration);
    return n % 2 === 0
      ? { at, pods: dice.some(upTo(count), 0.7), virtual: false }
      : { at, pods: upTo(count), virtual: true };
  });
  return {
    options: options(dice, { outlierDetection: outliers(dice), identityHeader: 'evenkeel-pod' }),
    multiplexes: dice.chance(0.5),
    pods: podPlans(dice, count, {
      named: true,
      faults: dice.one([0.1, 0.5]),
      reactions: ['503-later', 'break-begun'],
    }),
    discovery: [known(count, { virtual: true }), ...changes.sort((a, b) => a.at - b.at)],
    happenings: [],
    loads: loads(dice, duration, CALLS, { kind: 'open' }),
    end: { at: duration, how: dice.one(ENDS) },
  };
}

/** Zones and nodes, and pods that weigh more than others. */
function zones(dice: Dice): ReturnType<Theme> {
  const scenario = anything(dice);
  const pods = scenario.pods.map((plan) => ({
    ...plan,
    zone: dice.one([undefined, 'a', 'b', 'c']),
    weight: dice.one([undefined, 1, 2, 10, 0]),
  }));
  const policy = dice.one(['least-request', 'round-robin', 'peak-ewma'] as const);
  return {
    ...scenario,
    zone: dice.one(['a', 'b', 'd']),
    pods,
    options: { ...scenario.options, policy, locality: dice.one(['zone', 'node', 'off']) },
  };
}

/** Keys that lead to pods. */
function keys(dice: Dice): ReturnType<Theme> {
  const scenario = anything(dice);
  return {
    ...scenario,
    options: {
      ...scenario.options,
      policy: 'ring-hash',
      ringHash: { balanceFactor: dice.one([0, 1.05, 1.25, 2]) },
    },
    loads: scenario.loads.map((before) => ({ ...before, keyed: dice.one([0.5, 1]) })),
  };
}

/** Streams of events, and sockets that requests become. */
function lasting(dice: Dice): ReturnType<Theme> {
  const scenario = anything(dice);
  return { ...scenario, loads: scenario.loads.map((before) => ({ ...before, lasting: dice.one([0.3, 1]) })) };
}

/** Limits, and more calls than they allow. */
function limits(dice: Dice): ReturnType<Theme> {
  const count = dice.from(1, 6);
  const duration = dice.from(2_000, 10_000);
  return {
    options: options(dice, {
      ...(dice.chance(0.7) && { connections: dice.one([1, 2, 4]) }),
      ...(dice.chance(0.7) && { maxRequestsPerEndpoint: dice.one([1, 2, 5]) }),
      ...(dice.chance(0.5) && { maxPendingRequests: dice.one([1, 5, 50]) }),
    }),
    multiplexes: dice.chance(0.5),
    pods: podPlans(dice, count, { work: dice.one([5, 50, 200]) }),
    discovery: news(dice, count, duration),
    happenings: troubles(dice, count, duration, dice.from(0, 4)),
    loads: loads(dice, duration, CALLS),
    end: { at: duration, how: dice.one(ENDS) },
  };
}

/** Pods that fail: one, some or all of them, for a while; ejections, panic, pauses, health checks. */
function failures(dice: Dice): ReturnType<Theme> {
  const count = dice.from(1, 12);
  const duration = dice.from(5_000, 40_000);
  const happenings = upTo(dice.from(1, count)).flatMap((): Happening[] => {
    const pod = dice.below(count);
    const at = dice.below(duration);
    const reaction = dice.one([
      '500',
      '503',
      '503-later',
      '429-later',
      'break',
      'reset-stream',
      'hang',
    ] as const);
    return [
      { at, pod, what: 'react', reaction },
      { at: at + dice.one([200, 2_000, 20_000]), pod, what: 'react', reaction: undefined },
    ];
  });
  return {
    options: options(dice, {
      outlierDetection: outliers(dice),
      ...(dice.chance(0.4) && { healthCheck: { path: '/', interval: '1s', timeout: '500ms' } }),
    }),
    multiplexes: dice.chance(0.5),
    pods: podPlans(dice, count, {
      faults: dice.one([0, 0.1, 0.9]),
      reactions: ['500', '503', 'break', '503-later'],
    }),
    discovery: news(dice, count, duration),
    happenings: [...happenings, ...troubles(dice, count, duration, 1)].sort((a, b) => a.at - b.at),
    loads: loads(dice, duration, 1_000),
    end: { at: duration, how: dice.one(ENDS) },
  };
}

/** Pods that start slowly, or come back so, while some are ejected and others fail. */
function starts(dice: Dice): ReturnType<Theme> {
  const count = dice.from(2, 6);
  const duration = dice.from(500, 4_000);
  const happenings = upTo(dice.from(1, count)).map(
    (pod): Happening => ({
      at: dice.below(duration),
      pod,
      what: 'react',
      reaction: dice.one(['503', 'break']),
    }),
  );
  return {
    options: options(dice, {
      slowStart: { window: dice.one(['1s', '5s']) },
      outlierDetection: { consecutiveFailures: 2, maxEjectionPercent: dice.one([10, 50]) },
    }),
    multiplexes: dice.chance(0.5),
    pods: podPlans(dice, count, { handshake: 1, work: 3 }),
    discovery: news(dice, count, duration),
    happenings: happenings.sort((a, b) => a.at - b.at),
    loads: loads(dice, duration, CALLS, { impatient: 0 }),
    end: { at: duration, how: dice.one(ENDS) },
  };
}

/** Callers who give up at every moment. */
function aborts(dice: Dice): ReturnType<Theme> {
  const scenario = anything(dice);
  const patience = dice.one([2, 10, 100]);
  return { ...scenario, loads: scenario.loads.map((before) => ({ ...before, impatient: 0.9, patience })) };
}

/**
 * A pod hangs, and callers give up without a word that evenkeel knows: it gets a call now and then. Or any number of pods
 * hang for a while.
 */
function hangs(dice: Dice): ReturnType<Theme> {
  const count = dice.from(2, 5);
  const hangsFrom = dice.from(500, 2_000);
  const policy = dice.one(['least-request', 'peak-ewma', 'round-robin', 'ring-hash'] as const);
  const isAlone = dice.chance(0.6);
  const end = isAlone ? 9_500 : 14_000;
  const keyed = policy === 'ring-hash' ? dice.one([0.5, 1]) : 0;
  return {
    options: {
      policy,
      ...(policy === 'ring-hash' && { ringHash: { balanceFactor: dice.one([0, 1.25]) } }),
      ...(dice.chance(0.2) && { outlierDetection: false }),
    },
    multiplexes: dice.chance(0.5),
    pods: plainPods(count),
    discovery: [known(count)],
    happenings: isAlone
      ? [{ at: hangsFrom, pod: 0, what: 'react', reaction: 'hang' }]
      : dice.some(upTo(count), 0.7).flatMap((pod): Happening[] => [
          { at: hangsFrom + dice.below(1_000), pod, what: 'react', reaction: 'hang' },
          { at: hangsFrom + dice.from(1_000, 2_000), pod, what: 'react', reaction: undefined },
        ]),
    loads: [
      load({
        kind: 'closed',
        size: 8,
        pause: 5,
        to: end - 500,
        keyed,
        impatient: 1,
        patience: 600,
        untold: true,
      }),
    ],
    end: { at: end, how: 'close' },
    // It was silent for two seconds at most, and is asked after three times as long.
    ...(isAlone && { hangsFrom }),
    // With peak-ewma, its latency keeps it back for longer, though it is asked.
    ...(!isAlone && policy !== 'peak-ewma' && { answersFrom: hangsFrom + 10_000 }),
  };
}

/** The end, in the midst of it. */
function ends(dice: Dice): ReturnType<Theme> {
  const scenario = anything(dice);
  const at = dice.one([0, 1, 5, 50, 500, 3_000]) + dice.below(10);
  return { ...scenario, end: { at, how: dice.one(['close', 'destroy']) } };
}

/** A call now and then, and silence: what is left? */
function trickles(dice: Dice): ReturnType<Theme> {
  const count = dice.from(1, 20);
  const duration = 200_000;
  return {
    options: options(dice),
    multiplexes: dice.chance(0.5),
    pods: podPlans(dice, count),
    discovery: news(dice, count, duration),
    happenings: troubles(dice, count, duration, dice.from(0, 3)),
    loads: [
      load({
        kind: 'trickle',
        to: duration,
        size: dice.one([400, 3_000, 30_000]),
        byTimer: dice.chance(0.5),
      }),
    ],
    end: { at: duration, how: 'rest' },
  };
}

/** More pods than a client needs, a part of which is its own. */
function subsets(dice: Dice): ReturnType<Theme> {
  const scenario = anything(dice);
  return {
    ...scenario,
    options: { ...scenario.options, subset: { size: dice.one([1, 3, 8]), index: dice.below(20) } },
  };
}

/** Ten thousand endpoints. */
function many(dice: Dice): ReturnType<Theme> {
  const count = 10_000;
  const duration = 3_000;
  return {
    options: { policy: dice.one(['least-request', 'round-robin', 'peak-ewma', 'ring-hash'] as const) },
    multiplexes: dice.chance(0.3),
    pods: plainPods(count),
    discovery: [known(count), { at: 1_000, pods: upTo(count - dice.below(2_000)) }],
    happenings: [],
    loads: [load({ size: 300, to: duration, keyed: 0.5 })],
    end: { at: duration, how: 'close' },
  };
}

/** Many calls a second to twenty pods that fail now and then: for the speed of the simulation. */
function busy(dice: Dice): ReturnType<Theme> {
  const count = 20;
  const duration = 20_000;
  return {
    options: { policy: dice.one(['least-request', 'round-robin', 'peak-ewma'] as const) },
    multiplexes: dice.chance(0.5),
    pods: plainPods(count, {
      faults: 0.01,
      reactions: ['break', '503', 'slow', 'hang', 'refuse', '503-later'],
    }),
    discovery: [known(count)],
    happenings: troubles(dice, count, duration, 20),
    loads: [load({ size: 5_000, to: duration, impatient: 0.01 })],
    end: { at: duration, how: 'close' },
  };
}

/** Any theme but those of HTTP/2, and the calls are requests of node:http. */
function nodeHttp(dice: Dice): ReturnType<Theme> {
  const themes = Object.values(THEMES).filter((theme) => !NOT_NODE_HTTP.has(theme));
  const scenario = dice.one(themes)(dice);
  const { crosses, servesAll = false, sharesFrom } = scenario;
  return {
    ...scenario,
    multiplexes: false,
    // Where all calls are served, nothing is sent on what a pod has just closed.
    crosses: crosses ?? !servesAll,
    // A policy that goes by latency tells pods that are alike apart by chance where one request is under way at a time.
    agents: agentPlans(dice, servesAll || sharesFrom !== undefined),
  };
}

const NOT_NODE_HTTP = new Set<Theme>([streams, sessions, nodeHttp]);

export const THEMES: Readonly<Record<string, Theme>> = {
  anything,
  shares,
  deaths,
  still,
  comebacks,
  hints,
  crossings,
  unkept,
  resting,
  oneHint,
  names,
  bursts,
  streams,
  sessions,
  rotations,
  rollouts,
  virtualIps,
  takeovers,
  zones,
  keys,
  lasting,
  limits,
  failures,
  starts,
  aborts,
  hangs,
  ends,
  trickles,
  subsets,
  'node:http': nodeHttp,
};

/** Those that take longer: one seed in so many has one. */
const RARE: Readonly<Record<string, Theme>> = { many, busy };
const SELDOM = 2_000;

/** The scenario of a seed: of that theme, or of the one whose turn it is. */
export function scenarioOf(seed: number, theme = themeOf(seed)): Scenario {
  const make = THEMES[theme] ?? RARE[theme];
  if (make === undefined) throw new Error(`there is no theme ${theme}: ${themeNames().join(', ')}`);
  return { seed, theme, ...make(new Dice(seed)) };
}

export function themeNames(): string[] {
  return [...Object.keys(THEMES), ...Object.keys(RARE)];
}

function themeOf(seed: number): string {
  const names = Object.keys(seed % SELDOM === SELDOM - 1 ? RARE : THEMES);
  return names[seed % names.length]!;
}
