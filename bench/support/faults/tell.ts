import { type Bar, report } from '../report.ts';
import { median } from '../statistics.ts';
import type { AbortsReport } from './aborts.ts';
import { type Contender, OURS } from './contenders.ts';
import { failures, type Latencies, latencies, type Outcome } from './outcome.ts';
import type { Demand, Fault } from './table.ts';

/** Reports what rounds of one fault did to one contender. */
export function tell(fault: Fault, contender: Contender, outcomes: readonly Outcome[]): void {
  report({
    bench: 'faults',
    case: `${fault.name}, ${contender}`,
    value: outcomes.reduce((sum, { all }) => sum + failures(all).length, 0),
    text: inWords(outcomes),
    detail: detailOf(outcomes),
  });
  if (!OURS.includes(contender)) return;
  const of = contender === 'evenkeel' ? fault.name : `${fault.name}, ${contender}`;
  for (const demand of fault.demands) judge(of, demand, outcomes);
}

export function tellAborts(count: number, aborts: AbortsReport): void {
  const { aborted, completed, counted, listeners, sockets, timers } = aborts;
  report({
    bench: 'faults',
    case: `${count} aborts at random moments`,
    value: counted + listeners + sockets + timers + Object.keys(aborts.failures).length,
    bar: { atMost: 0 },
    text:
      `${aborted} aborted, ${completed} were faster; left over: ${sockets} sockets, ${timers} timers, ` +
      `${listeners} listeners, ${counted} queued or in flight${reasons(aborts.failures)}`,
    detail: aborts,
  });
}

function judge(of: string, { what, value, bar, over = 'worst' }: Demand, outcomes: readonly Outcome[]): void {
  const values = outcomes.map(value);
  const counted = round(over === 'median' ? median(values) : worst(values, bar));
  report({
    bench: 'faults',
    case: `${of}: ${what}`,
    value: counted,
    bar,
    text: `${counted}${values.length > 1 ? ` (${over} of ${values.map(round).join(' ')})` : ''}`,
    detail: { rounds: values },
  });
}

function worst(values: readonly number[], bar: Bar): number {
  return 'atLeast' in bar ? Math.min(...values) : Math.max(...values);
}

function inWords(outcomes: readonly Outcome[]): string {
  const all = outcomes.flatMap((outcome) => outcome.all);
  const counts = (['GET', 'POST'] as const).map((method) => {
    const sent = all.filter((sample) => sample.method === method).length;
    return `${failures(all, method).length} of ${sent} ${method}s`;
  });
  const { before, during, shares } = detailOf(outcomes);
  const percent = Object.values(shares).map((share) => `${(share * 100).toFixed(0)}`);
  return (
    `${counts.join(' and ')} failed${reasons(reasonsOf(outcomes))}; ` +
    `p50/p99/p99.9 ${milliseconds(during)} ms, before ${milliseconds(before)}; shares ${percent.join(' ')} %`
  );
}

function detailOf(outcomes: readonly Outcome[]) {
  const all = outcomes.flatMap((outcome) => outcome.all);
  return {
    requests: all.length,
    failedGets: failures(all, 'GET').length,
    failedPosts: failures(all, 'POST').length,
    failedOfThoseCaught: failures(outcomes.flatMap(({ caught }) => caught)).length,
    reasons: reasonsOf(outcomes),
    before: latencies(outcomes.flatMap((outcome) => outcome.before)),
    during: latencies(outcomes.flatMap((outcome) => outcome.during)),
    slowdown: outcomes.map((outcome) => round(outcome.slowdown)),
    stuck: outcomes.map((outcome) => outcome.stuck),
    attempts: outcomes.map(({ episode }) => episode.attempts),
    shares: averageShares(outcomes),
  };
}

function averageShares(outcomes: readonly Outcome[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { shares } of outcomes) {
    for (const [pod, share] of Object.entries(shares)) sums[pod] = (sums[pod] ?? 0) + share / outcomes.length;
  }
  return sums;
}

function reasonsOf(outcomes: readonly Outcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { failure } of failures(outcomes.flatMap((outcome) => outcome.all))) {
    counts[failure!] = (counts[failure!] ?? 0) + 1;
  }
  return counts;
}

function reasons(counts: Record<string, number>): string {
  const words = Object.entries(counts).map(([code, count]) => `${count} ${code}`);
  return words.length > 0 ? ` (${words.join(', ')})` : '';
}

function milliseconds({ p50, p99, p999 }: Latencies): string {
  return [p50, p99, p999].map((time) => time.toFixed(0)).join('/');
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
