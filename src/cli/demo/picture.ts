import type { Rates, Report } from './report.ts';

export interface Layout {
  /** How many pods each side has at the end. */
  readonly pods: number;
  /** How many pods each side had at the beginning. */
  readonly old: number;
  /** How many columns the longest bar has. */
  readonly longest: number;
}

const NAME = 17;
const NUMBER = 4;
const GAP = 4;
const LONGEST_BAR = 20;
/** With at least so many columns, the headline is no wider than the bars. */
const SHORTEST_BAR = 15;
/** How many columns the narrowest picture needs. */
export const NARROWEST = widthWith(SHORTEST_BAR);
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** How long bars are that fit into so many columns. */
export function barIn(columns: number): number {
  const length = SHORTEST_BAR + Math.floor((columns - NARROWEST) / 2);
  return Math.max(SHORTEST_BAR, Math.min(length, LONGEST_BAR));
}

/** A line of bars for each pod. Pods after the first `old` ones are new; a pod that doesn't exist yet has no bar. */
export function bars(sides: readonly Rates[], { pods, old, longest }: Layout): string[] {
  // The scale changes only if it must, so that one bar grows without changing all others.
  const full = Math.max(100, ...sides.flatMap(({ rates }) => rates));
  const lines = Array.from({ length: pods }, (_, pod) => {
    const cells = sides.map(({ rates }) => {
      const rate = rates[pod];
      return rate === undefined ? '' : bar(rate / full, longest) + rate.toFixed(0).padStart(NUMBER);
    });
    return line(`pod ${pod + 1}${pod < old ? '' : ' (new)'}`, cells, longest);
  });
  return [line('', sides.map(title), longest), ...lines];
}

/** The lines of the table that a demo ends with. */
export function summary(reports: readonly Report[], { longest }: Layout): string[] {
  const row = (name: string, text: (report: Report) => string) => {
    const cells = reports.map((report) => text(report).padStart(longest + NUMBER));
    return line(name, cells, longest);
  };
  return [
    row('on the new pods', ({ newShare }) => `${(100 * newShare).toFixed(1)} %`),
    row("Jain's fairness", ({ fairness }) => fairness.toFixed(2)),
    row('p50 / p99', ({ p50, p99 }) => `${p50.toFixed(1)} / ${p99.toFixed(1)} ms`),
    row('failed', ({ failed }) => String(failed)),
  ];
}

/** One line for a moment, if lines can't be drawn again. */
export function brief(sides: readonly Rates[]): string {
  return sides
    .map(({ client, rates }) => `${client} ${rates.map((rate) => rate.toFixed(0).padStart(3)).join(' ')}`)
    .join('  |  ');
}

function title({ client, dials }: Rates): string {
  return `${client} → ${dials}`;
}

function bar(share: number, longest: number): string {
  const eighths = Math.round(share * longest * EIGHTHS.length);
  const text = '█'.repeat(eighths / EIGHTHS.length) + EIGHTHS[eighths % EIGHTHS.length]!;
  return text.padEnd(longest);
}

function line(name: string, cells: readonly string[], longest: number): string {
  const column = longest + NUMBER + GAP;
  return (name.padEnd(NAME) + cells.map((cell) => cell.padEnd(column)).join('')).trimEnd();
}

function widthWith(bar: number): number {
  return NAME + 2 * (bar + NUMBER) + GAP;
}
