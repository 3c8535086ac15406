// What becomes of gRPC calls, with grpc-js's own dns: and round_robin, and with evenkeel?
//
// npm run bench -- grpc [--only slow-pod] [--seconds 20]
//
// Cases: scale-out, even, slow-pod, cold, age, goaway, goaway-stalled, goaway-slow, rollout, kill, virtual-ip, limit, cpu-1, cpu-10,
// cpu-100. `--only` takes one of them, or what several have in common: `--only cpu`. Each takes about a minute at most.
//
// Each pod is a process of its own. Each case has fresh copies of grpc-js, the rival's and evenkeel's, in this process.

process.env.GRPC_NODE_USE_ALTERNATIVE_RESOLVER = 'true';

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { EndpointAddress } from '../src/core/discovery/resolver.ts';
import { startDnsServer } from '../test/support/dns-server.ts';
import { ManualResolver } from '../test/support/manual-resolver.ts';
import { startVirtualIp } from '../test/support/virtual-ip.ts';
import { atExit } from './support/at-exit.ts';
import type { GrpcClient } from './support/grpc/clients.ts';
import { type Answer, atOnce, atRate, forAWhile, jain } from './support/grpc/load.ts';
import { type GrpcPod, startGrpcPods } from './support/grpc/pods.ts';
import { progress, report } from './support/report.ts';
import { interleave } from './support/rounds.ts';
import { median, quantile, ratios } from './support/statistics.ts';

// After the variable, which grpc-js reads when it is loaded.
const { balancedClient, stockClient } = await import('./support/grpc/clients.ts');

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean' },
    only: { type: 'string', default: '' },
    seconds: { type: 'string', default: '20' },
  },
});
const seconds = Number(args.seconds);
const HOST = 'orders.test';
/** Seconds for which DNS answers are good. */
const TTL = 1;

interface Target {
  readonly pods: readonly GrpcPod[];
  readonly resolver: ManualResolver;
  readonly stock: () => GrpcClient;
  /** By a list, unless told to ask DNS. */
  readonly balanced: (options?: object, channel?: object) => GrpcClient;
  readonly balancedByDns: () => GrpcClient;
  /** Says to DNS, and to those who have a list, which pods there are. */
  readonly set: (pods: readonly { endpoint: EndpointAddress }[], virtual?: boolean) => void;
}

/** A name that leads to pods, and clients that call it. */
async function startTarget(pods: readonly GrpcPod[], ready = pods): Promise<Target> {
  const dns = await startDnsServer({ after: (end) => atExit(() => void end()) });
  const resolver = new ManualResolver();
  const set: Target['set'] = (present, virtual = false) => {
    dns.set(
      HOST,
      present.map(({ endpoint }) => endpoint.address),
      { ttl: TTL },
    );
    resolver.set(present, { virtual });
  };
  set(ready);
  const { port } = (ready[0] ?? pods[0]!).endpoint;
  const name = `${HOST}:${port}`;
  return {
    pods,
    resolver,
    set,
    stock: () => stockClient(`dns://${dns.address}/${name}`),
    balanced: (options = {}, channel = {}) =>
      balancedClient(name, { hosts: [HOST], discovery: resolver.resolve, ...options }, channel),
    balancedByDns: () => balancedClient(name, { hosts: [HOST], dns: { servers: [dns.address] } }),
  };
}

const same = (count: number, options: object = {}) => Array.from({ length: count }, () => options);
const failed = (answers: readonly Answer[]) => answers.filter(({ pod }) => pod === undefined).length;
const p99 = (answers: readonly Answer[]) =>
  quantile(
    answers.map(({ took }) => took),
    0.99,
  );
const figure = (value: number, digits = 2) => Number(value.toFixed(digits));

const CASES: Record<string, () => Promise<void>> = {
  /** Three pods become ten. */
  async 'scale-out'() {
    const pods = await startGrpcPods(same(10, { delay: 5 }));
    for (const [name, bar] of [
      ['round_robin, dns', undefined],
      ['evenkeel, dns', { atMost: TTL * 1_000 + 1_000 }],
      ['evenkeel, pushed', { atMost: 200 }],
    ] as const) {
      const target = await startTarget(pods, pods.slice(0, 3));
      const client = name.startsWith('round')
        ? target.stock()
        : name.endsWith('dns')
          ? target.balancedByDns()
          : target.balanced();
      const scaledAt = 3_000;
      const load = atRate(client.call, 300, 12);
      await delay(scaledAt);
      target.set(pods);
      const answers = await load;
      client.close();
      const late = new Set(pods.slice(3).map(({ endpoint }) => endpoint.address));
      const shareFrom = (from: number) => {
        const window = answers.filter(({ at }) => at >= from && at < from + 1_000);
        return window.filter(({ pod }) => late.has(pod ?? '')).length / window.length / 0.7;
      };
      let after = 0;
      while (after <= 8_000 && shareFrom(scaledAt + after) < 0.9) after += 50;
      report({
        bench: 'grpc',
        case: `3 → 10 pods: ${name}`,
        value: after,
        bar,
        text:
          after > 8_000
            ? `new pods have ${(shareFrom(scaledAt + 8_000) * 100).toFixed(0)} % of their share after 8 s`
            : `new pods have 90 % of their share ${after} ms after; ${failed(answers)} failed`,
      });
    }
  },

  /** Pods that are alike. */
  async even() {
    const target = await startTarget(await startGrpcPods(same(3)));
    for (const width of [1, 50]) {
      const shares: number[] = [];
      for (const client of [target.stock(), target.balanced()]) {
        await atOnce(client.call, 300, width);
        shares.push(jain([...(await atOnce(client.call, 10_000, width)).values()]));
        client.close();
      }
      const [rival, ours] = shares;
      report({
        bench: 'grpc',
        case: `10,000 calls, ${width} at once`,
        value: figure(ours!, 4),
        bar: { atLeast: 0.99 },
        text: `Jain ${ours!.toFixed(4)}, round_robin ${rival!.toFixed(4)}`,
      });
    }
  },

  /** One of three takes ten times as long. */
  async 'slow-pod'() {
    const target = await startTarget(await startGrpcPods([{ delay: 50 }, { delay: 5 }, { delay: 5 }]));
    const stock = target.stock();
    const ours = target.balanced();
    for (const { call } of [stock, ours]) await atOnce(call, 300, 12);
    const counts: number[][] = [[], []];
    const tails: number[][] = [[], []];
    for (let round = 0; round < 5; round++) {
      for (const [n, { call }] of [stock, ours].entries())
        counts[n]!.push(await forAWhile(call, seconds * 50, 12));
      for (const [n, { call }] of [stock, ours].entries())
        tails[n]!.push(p99(await atRate(call, 300, seconds / 20)));
    }
    const gain = ratios(counts[1]!, counts[0]!).median;
    const tail = ratios(tails[1]!, tails[0]!).median;
    report({
      bench: 'grpc',
      case: 'one pod 10 × slower, 12 at once',
      value: figure(gain),
      bar: { atLeast: 1.5 },
      text: `${gain.toFixed(2)} × round_robin's throughput`,
    });
    report({
      bench: 'grpc',
      case: 'the same, 300 calls a second',
      value: figure(tail),
      bar: { atMost: 1 },
      text: `p99 ${median(tails[1]!).toFixed(1)} ms, round_robin ${median(tails[0]!).toFixed(1)} ms`,
    });
  },

  /** Sixty calls, and nothing is connected. */
  async cold() {
    for (const silent of [false, true]) {
      const pods = await startGrpcPods(same(3));
      // One whose kernel takes connections, and that says nothing.
      if (silent) pods[2]!.process.kill('SIGSTOP');
      const target = await startTarget(pods);
      const most: number[] = [];
      const took: number[][] = [[], []];
      for (let round = 0; round < 7; round++) {
        for (const [n, make] of [target.stock, target.balanced].entries()) {
          const client = make();
          const startedAt = performance.now();
          const answers = await atOnce(client.call, 60, 60);
          took[n]!.push(performance.now() - startedAt);
          if (n === 1) most.push(Math.max(...answers.values()) / 60);
          client.close();
        }
      }
      if (silent) pods[2]!.process.kill('SIGCONT');
      const added = median(took[1]!) - median(took[0]!);
      report({
        bench: 'grpc',
        case: `60 calls, cold${silent ? ', one pod silent' : ''}: share`,
        value: figure(median(most)),
        bar: silent ? { atMost: 0.6 } : { atMost: 0.4 },
        text: `${(median(most) * 100).toFixed(0)} % on one pod`,
      });
      report({
        bench: 'grpc',
        case: `60 calls, cold${silent ? ', one pod silent' : ''}: time`,
        value: figure(added),
        bar: { atMost: 25 },
        text: `${median(took[1]!).toFixed(1)} ms, round_robin ${median(took[0]!).toFixed(1)} ms`,
      });
    }
  },

  /** Connections that end at their age. */
  async age() {
    const target = await startTarget(await startGrpcPods(same(3, { delay: 3 })));
    await compareTails([
      ['uncapped', target.balanced({ maxConnectionDuration: 0 })],
      // How much the machine alone makes the tails differ.
      ['uncapped, again', target.balanced({ maxConnectionDuration: 0 })],
      ['age 2 s', target.balanced({ maxConnectionDuration: 2_000 })],
    ]);
  },

  /** Connections that servers end all the time. */
  goaway: () => compareGoaways('GOAWAY every 120 ms'),

  /** The same, while this process stands still for 80 ms, again and again: what has come in the meantime is read too late. */
  async 'goaway-stalled'() {
    const stall = setInterval(() => {
      const until = performance.now() + 80;
      while (performance.now() < until);
    }, 370);
    await compareGoaways('GOAWAY every 120 ms, stalled');
    clearInterval(stall);
  },

  /** The same with one slow pod, whose connections carry many calls when they end. */
  'goaway-slow': () => compareGoaways('GOAWAY every 120 ms, one pod slow', 60),

  /** All pods are replaced, one after the other. */
  async rollout() {
    const pods = await startGrpcPods(same(6, { delay: 3 }));
    const target = await startTarget(pods, pods.slice(0, 3));
    const client = target.balanced();
    const load = atRate(client.call, 500, 10);
    for (let n = 1; n <= 3; n++) {
      await delay(2_000);
      target.set(pods.slice(n, n + 3));
      // It ends after its grace.
      setTimeout(() => pods[n - 1]!.process.kill('SIGKILL'), 1_000);
    }
    const answers = await load;
    client.close();
    report({
      bench: 'grpc',
      case: 'rolling update, 500 calls/s',
      value: failed(answers),
      bar: { atMost: 0 },
      text: `${failed(answers)} of ${answers.length} failed; p99 ${p99(answers).toFixed(1)} ms`,
    });
  },

  /** One of three is killed. */
  async kill() {
    const retryPolicy = {
      maxAttempts: 3,
      initialBackoff: '0.01s',
      maxBackoff: '0.1s',
      backoffMultiplier: 2,
      retryableStatusCodes: ['UNAVAILABLE', 'INTERNAL'],
    };
    for (const [name, retries] of [
      ['round_robin', false],
      ['evenkeel', false],
      ['evenkeel, retryPolicy', true],
    ] as const) {
      const pods = await startGrpcPods(same(3, { delay: 10 }));
      const target = await startTarget(pods);
      const channel = retries ? { methodConfig: [{ name: [{}], retryPolicy }] } : {};
      const client = name === 'round_robin' ? target.stock() : target.balanced({}, channel);
      await atOnce(client.call, 60, 12);
      const load = atRate(client.call, 500, seconds);
      await delay(1_000);
      pods[0]!.process.kill('SIGKILL');
      const answers = await load;
      client.close();
      const lost = answers.filter(({ pod }) => pod === undefined);
      // Nobody knows of it before the first of them fails.
      const knownAt = Math.min(...lost.map(({ at, took }) => at + took));
      const later = lost.filter(({ begun }) => begun > knownAt).length;
      report({
        bench: 'grpc',
        case: `SIGKILL of one pod: ${name}`,
        value: retries ? lost.length : later,
        bar: name === 'round_robin' ? undefined : { atMost: 0 },
        text: `${lost.length} failed, ${later} of them begun after the first one had`,
      });
    }
  },

  /** One address, behind which somebody picks a pod for each connection. */
  async 'virtual-ip'() {
    const pods = await startGrpcPods(same(10, { delay: 2 }));
    const vip = await startVirtualIp({ after: (end: () => void) => atExit(end) } as never, pods, Math.random);
    for (const [name, spread] of [
      ['round_robin', 0],
      ['spread 8', 8],
      ['spread 32', 32],
    ] as const) {
      const target = await startTarget(pods, [{ ...pods[0]!, ...vip }]);
      target.set([vip], true);
      const client =
        spread === 0 ? target.stock() : target.balanced({ spread, maxConnectionDuration: 2_000 });
      const counts = await countsOf(await atRate(client.call, 500, seconds));
      client.close();
      const shares = pods.map(({ endpoint }) => counts.get(endpoint.address) ?? 0);
      report({
        bench: 'grpc',
        case: `ClusterIP of ten pods: ${name}`,
        value: figure(jain(shares), 3),
        text: `Jain ${jain(shares).toFixed(3)}; ${shares.filter((share) => share > 0).length} pods had calls`,
      });
    }
  },

  /** A server that takes ten calls at a time on a connection. */
  async limit() {
    const target = await startTarget(await startGrpcPods([{ delay: 40, streams: 10 }]));
    const took: number[][] = [[], []];
    const clients = [target.stock(), target.balanced()];
    for (const { call } of clients) await call();
    for (let round = 0; round < 7; round++) {
      for (const [n, { call }] of clients.entries()) {
        const startedAt = performance.now();
        await atOnce(call, 30, 30);
        took[n]!.push(performance.now() - startedAt);
      }
    }
    report({
      bench: 'grpc',
      case: '30 calls of 40 ms at a limit of 10',
      value: figure(median(took[1]!)),
      bar: { atMost: 80 },
      text: `${median(took[1]!).toFixed(1)} ms, round_robin ${median(took[0]!).toFixed(1)} ms`,
    });
  },

  'cpu-1': () => compareCpu(1, 1.15),
  'cpu-10': () => compareCpu(10, 1.05),
  'cpu-100': () => compareCpu(100, 1.05),
};

/** Five hundred calls a second through each of them: how many fail, and how long the slowest take, beside the first one's. */
async function compareTails(clients: readonly [string, GrpcClient][]): Promise<void> {
  const found = new Map<string, Answer[]>(clients.map(([name]) => [name, []]));
  for (const [, { call }] of clients) await atRate(call, 100, 1);
  // By turns, so that whatever else the machine does meets them alike.
  for (let round = 0; round < seconds; round++) {
    for (const [name, { call }] of round % 2 === 0 ? clients : clients.toReversed()) {
      progress(name);
      found.get(name)!.push(...(await atRate(call, 500, 1)));
    }
  }
  for (const [, client] of clients) client.close();
  const usual = p99(found.get(clients[0]![0])!);
  for (const [name, answers] of found) {
    const isRival = name.endsWith('round_robin');
    const tail = p99(answers);
    const isControl = name.startsWith('uncapped') || name.endsWith('stalled');
    report({
      bench: 'grpc',
      case: `500 calls/s: ${name}`,
      value: failed(answers),
      bar: isRival ? undefined : { atMost: 0 },
      text: `${failed(answers)} of ${answers.length} failed`,
    });
    report({
      bench: 'grpc',
      case: `the same, p99: ${name}`,
      value: figure(tail / usual),
      bar: isRival || isControl ? undefined : { atMost: 1.2 },
      text: `${tail.toFixed(1)} ms, ${(tail / usual).toFixed(2)} × uncapped`,
      detail: { p99: tail },
    });
  }
}

/** Pods that end their connections all the time, beside some that don't. One of them may be slow. */
async function compareGoaways(name: string, slowest = 3): Promise<void> {
  const delays = [slowest, 3, 3];
  const plain = await startTarget(await startGrpcPods(delays.map((ms) => ({ delay: ms }))));
  const going = await startTarget(await startGrpcPods(delays.map((ms) => ({ delay: ms, goaway: 120 }))));
  await compareTails([
    ['uncapped', plain.balanced({ maxConnectionDuration: 0 })],
    [`${name}, round_robin`, going.stock()],
    [name, going.balanced()],
  ]);
}

/** What a call costs this process, so many at once. */
async function compareCpu(width: number, bar: number): Promise<void> {
  const target = await startTarget(await startGrpcPods(same(3)));
  const contestants = [target.stock(), target.balanced()].map(({ call }, n) => ({
    name: ['round_robin', 'evenkeel'][n]!,
    // Long enough for many collections of garbage: of few, one would be on one side's account, and the next on the other's.
    turn: async () => void (await atOnce(call, width === 1 ? 1_000 : 3_000, width)),
  }));
  const [stock, ours] = await interleave(contestants, {
    title: `${width} at once`,
    rounds: Math.max(5, Math.round(seconds / 2)),
    warmUp: 3,
    turns: 2,
  });
  const ratio = ratios(
    ours!.map(({ cpu }) => cpu),
    stock!.map(({ cpu }) => cpu),
  );
  report({
    bench: 'grpc',
    case: `CPU of a call, ${width} at once`,
    value: figure(ratio.median),
    bar: { atMost: bar },
    text: `${ratio.median.toFixed(2)} × round_robin's (${ratio.low.toFixed(2)}…${ratio.high.toFixed(2)})`,
  });
}

async function countsOf(answers: readonly Answer[]): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { pod } of answers) if (pod !== undefined) counts.set(pod, (counts.get(pod) ?? 0) + 1);
  return counts;
}

for (const [name, run] of Object.entries(CASES)) {
  const isChosen = args.only in CASES ? name === args.only : name.includes(args.only);
  if (!isChosen) continue;
  progress(name);
  await run();
}
process.exit();
