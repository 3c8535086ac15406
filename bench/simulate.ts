// What do the policies make of a slow pod, of many clients, and of a change?
//
// Simulated: seeded, without sockets, with the pickers, the ring and the subsets that the agent has. Tables
// go to the terminal, plots to bench/results.
//
// --large   10,000 clients × 10,000 pods too, which takes minutes

import { parseArgs } from 'node:util';
import { HashRing } from '../src/core/balancing/hash-ring.ts';
import { hash } from '../src/core/base/hash.ts';
import { evenSubset, rendezvousSubset, type Subset } from '../src/core/endpoints/subset.ts';
import { savePlot, titled } from './support/plot.ts';
import { progress, report } from './support/report.ts';
import { podKey, simulate } from './support/simulation/arrivals.ts';
import { POLICIES } from './support/simulation/policies.ts';
import { median } from './support/statistics.ts';

const { values: args } = parseArgs({
  options: { json: { type: 'boolean' }, large: { type: 'boolean', default: false } },
});

const SEEDS = [1, 2, 3];
const COLORS = ['#3c78b4', '#e6660f'];

slowPod();
spread();
ring();
for (const size of args.large ? [1_000, 10_000] : [1_000]) subsets(size);

/** Ten pods, one of them five times slower, and 70 % of what they can do. */
function slowPod(): void {
  const speeds = [0.2, ...Array<number>(9).fill(1)];
  const rows = Object.entries(POLICIES).map(([name, policy]) => {
    progress(`slow pod: ${name}`);
    const runs = SEEDS.map((seed) =>
      simulate({ policy, clients: 1, speeds, utilisation: 0.7, requests: 200_000, seed }),
    );
    const [p50, p99] = (['p50', 'p99'] as const).map((part) => median(runs.map((run) => run[part])));
    return { name, p50: p50!, p99: p99!, share: median(runs.map(({ shares }) => shares[0]!)) };
  });
  const best = rows[0]!;
  for (const { name, p50, p99, share } of rows) {
    const ratio = p99 / best.p99;
    const ours = name === 'least-request' || name === 'peak-ewma';
    report({
      bench: 'simulate',
      case: `slow pod: ${name}`,
      value: ratio,
      bar: ours ? { atMost: 1.2 } : undefined,
      text: `p99 ${ratio.toFixed(2)} times join-shortest-queue's: ${p99.toFixed(0)} ms, p50 ${p50.toFixed(1)} ms; the slow pod has ${share.toFixed(2)} of a fair share`,
      detail: { p50, p99, share },
    });
  }
  const shown = rows.toReversed();
  savePlot(
    'simulate-slow-pod',
    { width: 800, height: 360 },
    {
      title: titled('Ten pods, one five times slower, at 70 % of their capacity'),
      legend: { top: 30 },
      grid: { left: 170, right: 80, top: 64, bottom: 40 },
      xAxis: { type: 'log', name: 'ms' },
      yAxis: { type: 'category', data: shown.map(({ name }) => name) },
      series: (['p99', 'p50'] as const).map((part, index) => ({
        name: part,
        type: 'bar' as const,
        color: COLORS[index]!,
        label: { show: true, position: 'right' as const },
        data: shown.map((row) => Math.round(row[part])),
      })),
    },
  );
}

/** A hundred clients, none of which knows of the others, and a hundred pods. */
function spread(): void {
  const speeds = Array<number>(100).fill(1);
  const lines: Record<string, [number, number][]> = {};
  for (const [name, policy] of Object.entries(POLICIES)) {
    progress(`spread: ${name}`);
    const run = simulate({ policy, clients: 100, speeds, utilisation: 0.5, requests: 200_000, seed: 1 });
    const shares = run.shares.toSorted((a, b) => b - a);
    lines[name] = shares.map((share, rank) => [rank, share]);
    report({
      bench: 'simulate',
      case: `100 clients, 100 pods: ${name}`,
      value: shares[0]!,
      text: `${shares.at(-1)!.toFixed(2)} to ${shares[0]!.toFixed(2)} of a fair share; p99 ${run.p99.toFixed(0)} ms, p50 ${run.p50.toFixed(1)} ms`,
      detail: { least: shares.at(-1), p50: run.p50, p99: run.p99 },
    });
  }
  savePlot(
    'simulate-spread',
    { width: 800, height: 420 },
    {
      title: titled('100 clients and 100 pods at half their capacity: requests of each pod'),
      legend: { top: 30 },
      grid: { left: 60, right: 40, top: 84, bottom: 50 },
      xAxis: { type: 'value', max: 99, name: 'pods, the busiest first', nameLocation: 'middle', nameGap: 28 },
      yAxis: { type: 'value', min: 0.5, max: 1.5, name: 'fair shares' },
      series: Object.entries(lines).map(([name, data]) => ({ name, type: 'line', symbol: 'none', data })),
    },
  );
}

/** Keys on a ring: how many move when a pod leaves, and how even they are. */
function ring(): void {
  const keys = Array.from({ length: 100_000 }, (_, n) => hash(`user-${n}`));
  const pods = Array.from({ length: 100 }, (_, index) => ({ key: podKey(index), weight: 1, load: 0 }));
  const anyone = () => true;
  const made = new HashRing<(typeof pods)[number]>();
  made.update(pods, []);
  const owners = keys.map((key) => made.pick(key, anyone));
  const moved = pods.map((pod) => {
    made.update([], [pod]);
    const count = keys.filter((key, index) => made.pick(key, anyone) !== owners[index]).length;
    made.update([pod], []);
    return (count / keys.length) * 100;
  });
  report({
    bench: 'simulate',
    case: 'ring-hash: one pod of 100 leaves',
    value: Math.max(...moved),
    bar: { atMost: 1.5 },
    text: `${Math.max(...moved).toFixed(2)} % of keys move at most, ${median(moved).toFixed(2)} % in the median`,
    detail: { median: median(moved) },
  });
  const canaries = pods.slice(0, 10).map((_, index) => {
    const canary = { key: podKey(1_000 + index), weight: 0.1, load: 0 };
    const few = new HashRing<(typeof pods)[number]>();
    few.update(pods.slice(0, 10), []);
    const before = keys.map((key) => few.pick(key, anyone));
    few.update([canary], []);
    return (keys.filter((key, n) => few.pick(key, anyone) !== before[n]).length / keys.length) * 100;
  });
  report({
    bench: 'simulate',
    case: 'ring-hash: a canary of weight 0.1 joins ten pods',
    value: Math.max(...canaries),
    bar: { atMost: 3 },
    text: `${Math.max(...canaries).toFixed(2)} % of keys move at most, ${median(canaries).toFixed(2)} % in the median`,
    detail: { median: median(canaries) },
  });
  let away = 0;
  for (const [index, key] of keys.entries()) {
    const bound = Math.ceil((1.25 * (index + 1)) / pods.length);
    const pod = made.pick(key, ({ load }) => load < bound)!;
    if (pod !== owners[index]) away++;
    pod.load++;
  }
  const most = (Math.max(...pods.map(({ load }) => load)) * pods.length) / keys.length;
  report({
    bench: 'simulate',
    case: 'ring-hash: bounded loads',
    value: most,
    bar: { atMost: 1.25 },
    text: `${most.toFixed(3)} times the mean at most; ${((away / keys.length) * 100).toFixed(1)} % of requests go past the pod of their key`,
    detail: { away: away / keys.length },
  });
}

/** As many clients as pods, each of which uses 20 of them. */
function subsets(count: number): void {
  const SIZE = 20;
  const kinds: Record<string, (client: number) => Subset> = {
    'with an index': (client) => evenSubset(SIZE, client),
    'without an index': (client) => rendezvousSubset(SIZE, `client-${client}`),
  };
  const histograms: Record<string, number[]> = {};
  for (const [kind, subsetOf] of Object.entries(kinds)) {
    const drawn = (pods: number) => {
      const all = Array.from({ length: pods }, (_, index) => index);
      return Array.from({ length: count }, (_, client) => {
        if (client % 100 === 0) progress(`subsets ${kind}: client ${client} of ${count}`);
        return subsetOf(client)(all, podKey);
      });
    };
    const before = drawn(count);
    const perPod = new Array<number>(count).fill(0);
    for (const subset of before) for (const pod of subset) perPod[pod]!++;
    const [least, most] = [Math.min(...perPod), Math.max(...perPod)];
    let moved = 0;
    for (const [client, subset] of drawn(count + 1).entries()) {
      const had = new Set(before[client]);
      for (const pod of subset) if (!had.has(pod)) moved++;
    }
    const share = (moved / (count * SIZE)) * 100;
    const even = kind === 'with an index';
    const title = `subset of ${SIZE}, ${count} × ${count}, ${kind}`;
    report({
      bench: 'simulate',
      case: title,
      value: even ? Math.max(most - SIZE, SIZE - least) : most / SIZE,
      bar: { atMost: 2 },
      text: `${least} to ${most} clients on a pod`,
      detail: { least, most },
    });
    report({
      bench: 'simulate',
      case: `${title}: one pod added`,
      value: share,
      bar: { atMost: 3 },
      text: `${share.toFixed(2)} % of connections move`,
    });
    const histogram = new Array<number>(most + 1).fill(0);
    for (const clients of perPod) histogram[clients]!++;
    histograms[kind] = histogram;
    load(count, kind, before);
  }
  const most = Math.max(...Object.values(histograms).map(({ length }) => length));
  savePlot(
    `simulate-subsets-${count}`,
    { width: 800, height: 360 },
    {
      title: titled(`${count} clients, each of which uses ${SIZE} of ${count} pods`),
      legend: { top: 30 },
      grid: { left: 60, right: 40, top: 84, bottom: 50 },
      xAxis: {
        type: 'category',
        data: Array.from({ length: most }, (_, clients) => clients),
        name: 'clients on a pod',
        nameLocation: 'middle',
        nameGap: 28,
      },
      yAxis: { type: 'value', name: 'pods' },
      series: Object.entries(histograms).map(([name, data], index) => ({
        name,
        type: 'bar',
        barGap: '0%',
        color: COLORS[index]!,
        data,
      })),
    },
  );
}

/** What comes of it for the load of pods. */
function load(count: number, kind: string, subsets: readonly (readonly number[])[]): void {
  progress(`load of subsets ${kind}`);
  const run = simulate({
    policy: POLICIES['least-request']!,
    clients: count,
    speeds: Array<number>(count).fill(1),
    utilisation: 0.5,
    requests: count * 100,
    subsetOf: (client) => subsets[client]!,
    seed: 1,
  });
  const shares = run.shares.toSorted((a, b) => a - b);
  report({
    bench: 'simulate',
    case: `load, ${count} × ${count}, ${kind}`,
    value: shares.at(-1)!,
    text: `${shares[0]!.toFixed(2)} to ${shares.at(-1)!.toFixed(2)} of a fair share; p99 ${run.p99.toFixed(0)} ms`,
    detail: { least: shares[0], p50: run.p50, p99: run.p99 },
  });
}
