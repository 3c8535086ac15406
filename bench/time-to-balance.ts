// What finds new pods behind a virtual IP sooner, at the same number of dials?
//
// Simulated: five clients, each with 32 connections; three pods become ten, and nobody tells. A way decides how old connections
// become, and which ones are replaced early. The figure is how much of the new pods' share is missed, in seconds: 30 is as if
// they had none of it for half a minute, and all of it from then on. Latencies are those of queues; pods that are new are slow at first,
// as those that compile and fill caches are.

import { parseArgs } from 'node:util';
import { exponential, seededRandom } from './support/random.ts';
import { progress, report } from './support/report.ts';
import { median } from './support/statistics.ts';

const CLIENTS = 5;
const CONNECTIONS = 32;
const [BEFORE, AFTER] = [3, 10];
/** Requests a second, of all clients. */
const RATE = 2_500;
/** Seconds. */
const STEP = 0.1;
const SCALED_AT = 300;
const END = SCALED_AT + 120;
/** Seconds for which a new pod is slow, and how slow. */
const COLD = 20;
const COLDNESS = 3;
/** Milliseconds of work in a request. */
const WORK = 10;
/** What a way has to win by to be kept. */
const WIN = 0.8;

const { values: args } = parseArgs({
  options: { json: { type: 'boolean' }, seeds: { type: 'string', default: '15' } },
});

interface Connection {
  pod: number;
  bornAt: number;
  /** Seconds that it may become. */
  age: number;
  /** Its usual latency, in milliseconds. */
  latency: number;
}

interface Way {
  age(random: () => number): number;
  /** The connection of a client to replace now, before its age, if any. */
  early?(connections: readonly Connection[], now: number): Connection | undefined;
}

interface Condition {
  /** Utilisation of the three pods. */
  readonly utilisation: number;
  /** How much requests differ: the deviation of the logarithm of their latencies. */
  readonly variety: number;
}

const today = (random: () => number) => 60 * (1 - 0.25 * random());
const mean = 52.5;

/** For each client its own. */
const WAYS: Record<string, () => Way> = {
  'today: each lives 45 to 60 s': () => ({ age: today }),
  'each lives 52.5 s': () => ({ age: () => mean }),
  'half live 20 s, half 85 s': () => {
    let turn = 0;
    return { age: () => (turn++ % 2 === 0 ? 20 : 85) };
  },
  'ages are memoryless': () => ({ age: (random) => exponential(random, mean) }),
  'the slowest early, where latencies drift apart': () => ({
    age: (random) => 1.25 * today(random),
    early: slowest(),
  }),
  'the oldest early, where a new one is twice as quick': () => ({ age: today, early: afterNewcomer() }),
};

const CONDITIONS: Record<string, Condition> = {
  'busy pods, requests alike': { utilisation: 0.9, variety: 0.5 },
  'busy pods, requests of many kinds': { utilisation: 0.9, variety: 2 },
  'pods with room, requests alike': { utilisation: 0.4, variety: 0.5 },
};

for (const [condition, about] of Object.entries(CONDITIONS)) {
  let usual = 0;
  for (const [name, way] of Object.entries(WAYS)) {
    progress(`time-to-balance: ${condition}, ${name}`);
    const runs = Array.from({ length: Number(args.seeds) }, (_, seed) => run(way, about, seed + 1));
    const missed = median(runs.map((one) => one.missed));
    const dials = median(runs.map((one) => one.dials));
    usual ||= missed;
    report({
      bench: 'time-to-balance',
      case: `${condition}: ${name}`,
      value: missed / usual,
      text: `${missed.toFixed(1)} s missed, ${(missed / usual).toFixed(2)} × today's${missed / usual <= WIN ? ': a win' : ''}; ${dials.toFixed(2)} dials a second at rest`,
      detail: { missed, dials },
    });
  }
}

/** Replaces the slowest connections early, where they are twice as slow as the quick ones; longer ages pay for that. */
function slowest(): NonNullable<Way['early']> {
  let [allowed, next] = [CONNECTIONS, 0];
  return (connections, now) => {
    allowed = Math.min(CONNECTIONS, allowed + 0.12 * STEP);
    if (now < next || allowed < 1) return undefined;
    next = now + 0.5;
    const quick = connections.map(({ latency }) => latency).sort((a, b) => a - b)[CONNECTIONS / 8]!;
    const candidates = connections.filter(({ bornAt, latency }) => now - bornAt > 3 && latency > 2 * quick);
    if (candidates.length === 0) return undefined;
    allowed--;
    return candidates.reduce((a, b) => (a.latency > b.latency ? a : b));
  };
}

/** Replaces all old connections within ten seconds when a new one is twice as quick as nearly all of them. */
function afterNewcomer(): NonNullable<Way['early']> {
  let [allowed, next, since] = [CONNECTIONS, 0, -1];
  return (connections, now) => {
    allowed = Math.min(CONNECTIONS, allowed + 0.06 * STEP);
    if (since < 0) {
      const old = connections.filter(({ bornAt }) => now - bornAt > 10).map(({ latency }) => latency);
      const quick = old.sort((a, b) => a - b)[1] ?? 0;
      const isQuicker = ({ bornAt, latency }: Connection) =>
        now - bornAt > 2 && now - bornAt <= 6 && latency < quick / 2;
      if (connections.some(isQuicker)) since = now - 2;
    }
    if (since < 0 || now < next || allowed < 1) return undefined;
    next = now + 0.3;
    const oldest = connections.reduce((a, b) => (a.bornAt < b.bornAt ? a : b));
    if (oldest.bornAt >= since) {
      since = -1;
      return undefined;
    }
    allowed--;
    return oldest;
  };
}

/** How much of the new pods' share is missed, in seconds, and how many dials a second a client makes before. */
function run(
  createWay: () => Way,
  { utilisation, variety }: Condition,
  seed: number,
): { missed: number; dials: number } {
  const random = seededRandom(seed);
  const capacity = RATE / BEFORE / utilisation;
  let pods = BEFORE;
  let dials = 0;
  const dial = (way: Way, now: number): Connection => {
    dials++;
    return { pod: Math.floor(random() * pods), bornAt: now, age: way.age(random), latency: Number.NaN };
  };
  const clients = Array.from({ length: CLIENTS }, () => {
    const way = createWay();
    const connections = Array.from({ length: CONNECTIONS }, () => dial(way, -mean * random()));
    return { way, connections };
  });
  let [missed, atRest] = [0, 0];
  for (let now = 0; now < END; now += STEP) {
    if (pods === BEFORE && now >= SCALED_AT) pods = AFTER;
    if (now < SCALED_AT / 2) atRest = dials;
    const loads = new Array<number>(AFTER).fill(0);
    for (const { connections } of clients) for (const { pod } of connections) loads[pod]!++;
    const perConnection = RATE / CLIENTS / CONNECTIONS;
    const latencies = loads.map((load, pod) => {
      const isCold = pod >= BEFORE && now < SCALED_AT + COLD;
      return (WORK * (isCold ? COLDNESS : 1)) / (1 - Math.min((load * perConnection) / capacity, 0.97));
    });
    for (const { way, connections } of clients) {
      for (const [n, connection] of connections.entries()) {
        const seen = latencies[connection.pod]! * noise(random, variety / Math.sqrt(perConnection * STEP));
        connection.latency = Number.isNaN(connection.latency)
          ? seen
          : connection.latency + (seen - connection.latency) * (STEP / 2);
        if (now - connection.bornAt >= connection.age) connections[n] = dial(way, now);
      }
      const early = way.early?.(connections, now);
      if (early !== undefined) connections[connections.indexOf(early)] = dial(way, now);
    }
    if (pods === BEFORE) continue;
    const share = loads.slice(BEFORE).reduce((sum, load) => sum + load, 0) / (CLIENTS * CONNECTIONS);
    const fair = 1 - BEFORE / AFTER;
    missed += (Math.max(0, fair - share) / fair) * STEP;
  }
  return { missed, dials: (atRest - CLIENTS * CONNECTIONS) / CLIENTS / (SCALED_AT / 2) };
}

/** A factor of 1 in the mean, whose logarithm has that deviation. */
function noise(random: () => number, deviation: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.exp(deviation * normal - deviation ** 2 / 2);
}
