import { styleText } from 'node:util';
import type { EndpointView, ServiceView } from '../../admin/view.ts';
import type { Rates } from './rates.ts';

export interface PictureOptions {
  readonly colour: boolean;
  readonly columns: number;
  /** Lines that there is room for. */
  readonly rows: number;
}

const HEADS = ['POD', 'REQ/S', 'IN FLIGHT', 'P50', 'P99', 'FAILED', 'CONN', 'STATE'];
const COLOURS = { bad: 'red', warn: 'yellow', good: 'green', idle: 'gray' } as const;
const WORST_FIRST = { bad: 0, warn: 1, good: 2, idle: 3 };
/** Lines of a service besides those of its pods, with the empty one after it. */
const HEADINGS = 3;

/** The services with their pods, in as many lines as there is room for. */
export function picture(
  services: Readonly<Record<string, ServiceView>>,
  rates: Rates,
  { colour, columns, rows }: PictureOptions,
): string[] {
  const origins = Object.entries(services);
  if (origins.length === 0) return ['No request has been balanced yet.'];
  const room = Math.max(1, Math.floor(rows / origins.length) - HEADINGS);
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  return origins.flatMap(([origin, service]) => {
    const pods = service.endpoints.toSorted((a, b) => WORST_FIRST[a.mood] - WORST_FIRST[b.mood]);
    const hidden = pods.length > room ? pods.length - room + 1 : 0;
    const shown = pods.slice(0, pods.length - hidden);
    const cells = shown.map((row) => cellsOf(row, rates.of(row)).map(harmless));
    const widths = HEADS.map((head, column) =>
      Math.max(head.length, ...cells.map((row) => row[column]!.length)),
    );
    const line = (row: readonly string[]) =>
      row.map((cell, column) => aligned(cell, column, widths[column]!)).join('  ');
    return [
      paint('bold', harmless(headline(origin, service, rates)).slice(0, columns)),
      paint('dim', line(HEADS).trimEnd().slice(0, columns)),
      ...shown.map(({ mood }, index) => {
        const text = line(cells[index]!).trimEnd().slice(0, columns);
        return mood === 'good' ? text : paint(COLOURS[mood], text);
      }),
      ...(hidden > 0 ? [paint('dim', `and ${hidden} more`)] : []),
      '',
    ];
  });
}

function headline(origin: string, service: ServiceView, rates: Rates): string {
  const { discovery, endpoints, running, pending, p50, p99 } = service;
  const own = endpoints.map((row) => rates.of(row)).filter((rate) => rate !== undefined);
  const rate = own.length === 0 ? '–' : shortened(own.reduce((sum, each) => sum + each, 0));
  const known = `${endpoints.length} ${endpoints.length === 1 ? 'endpoint' : 'endpoints'} by ${discovery.source}`;
  const error = discovery.error === null ? '' : ` (${discovery.error.message})`;
  return `${origin}  ${rate} req/s  ${running} in flight  ${pending} waiting  p50 ${time(p50)}  p99 ${time(p99)}  ${known}${error}`;
}

function cellsOf(row: EndpointView, rate: number | undefined): string[] {
  const { address, identity, zone, inFlight, p50, p99, failures, connections, says } = row;
  const name = identity === undefined ? address : `${identity} (${address})`;
  return [
    zone === undefined ? name : `${name} ${zone}`,
    rate === undefined ? '–' : shortened(rate),
    String(inFlight),
    time(p50),
    time(p99),
    String(failures),
    String(connections),
    says,
  ];
}

/** What others may have put into it does nothing to a terminal. */
function harmless(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ');
}

/** Text to the left, numbers to the right. */
function aligned(cell: string, column: number, width: number): string {
  return column === 0 || column === HEADS.length - 1 ? cell.padEnd(width) : cell.padStart(width);
}

function shortened(rate: number): string {
  return rate.toFixed(rate < 10 && !Number.isInteger(rate) ? 1 : 0);
}

/** JSON has no undefined: what there is none of isn't there. */
function time(milliseconds: number | undefined): string {
  return milliseconds === undefined ? '–' : `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
}
