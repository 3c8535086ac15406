import type { Rates, Report } from './report.ts';

const NAME = 17;
const BAR = 20;
const NUMBER = 4;
const COLUMN = BAR + NUMBER + 4;
/** Of the longest line. */
export const WIDTH = NAME + 2 * COLUMN;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A line of bars for each pod; those after the first `old` are new, those that aren't there yet are empty. */
export function bars(sides: readonly Rates[], pods: number, old: number): string[] {
  // The scale stays as it is while it fits, so that bars grow and shrink and not all others with them.
  const full = Math.max(100, ...sides.flatMap(({ rates }) => rates));
  const lines = Array.from({ length: pods }, (_, pod) => {
    const cells = sides.map(({ rates }) => {
      const rate = rates[pod];
      return rate === undefined ? '' : bar(rate / full) + rate.toFixed(0).padStart(NUMBER);
    });
    return line(`pod ${pod + 1}${pod < old ? '' : ' (new)'}`, cells);
  });
  return [line('', sides.map(title)), ...lines];
}

/** The lines of the table that a demo ends with. */
export function summary(reports: readonly Report[]): string[] {
  const cell = (text: string) => text.padStart(BAR + NUMBER);
  const of = (text: (report: Report) => string) => reports.map((report) => cell(text(report)));
  return [
    line(
      'on the new pods',
      of(({ newShare }) => `${(100 * newShare).toFixed(1)} %`),
    ),
    line(
      "Jain's fairness",
      of(({ fairness }) => fairness.toFixed(2)),
    ),
    line(
      'p50 / p99',
      of(({ p50, p99 }) => `${p50.toFixed(1)} / ${p99.toFixed(1)} ms`),
    ),
    line(
      'failed',
      of(({ failed }) => String(failed)),
    ),
  ];
}

/** One line for a moment, where lines can't be drawn again. */
export function brief(sides: readonly Rates[]): string {
  return sides
    .map(({ client, rates }) => `${client} ${rates.map((rate) => rate.toFixed(0).padStart(3)).join(' ')}`)
    .join('  |  ');
}

function title({ client, dials }: Rates): string {
  return `${client} → ${dials}`;
}

function bar(share: number): string {
  const eighths = Math.round(share * BAR * EIGHTHS.length);
  const text = '█'.repeat(eighths / EIGHTHS.length) + EIGHTHS[eighths % EIGHTHS.length]!;
  return text.padEnd(BAR);
}

function line(name: string, cells: readonly string[]): string {
  return (name.padEnd(NAME) + cells.map((cell) => cell.padEnd(COLUMN)).join('')).trimEnd();
}
