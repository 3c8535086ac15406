import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';

/** The bar a value must meet. */
export type Bar = { atLeast: number } | { atMost: number };

export interface Result {
  bench: string;
  case: string;
  /** What the bar is about. */
  value: number;
  bar?: Bar | undefined;
  /** The result in words. */
  text: string;
  /** All other numbers, for machines. */
  detail?: object;
}

const undiciPackage = new URL('../../node_modules/undici/package.json', import.meta.url);
const environment = {
  node: process.version,
  cores: availableParallelism(),
  undici: (JSON.parse(readFileSync(undiciPackage, 'utf8')) as { version: string }).version,
};

const jsonOnly = process.argv.includes('--json');

/** Prints a result, for people and as a line of JSON; a missed bar makes the process fail in the end. */
export function report({ text, ...result }: Result): void {
  const met = meets(result.value, result.bar);
  if (!met) process.exitCode = 1;
  clearProgress();
  if (!jsonOnly) console.log(`${met ? '✓' : '✗'} ${result.case.padEnd(32)} ${text}${inWords(result.bar)}`);
  console.log(JSON.stringify({ ...result, met, ...environment, load: loadavg()[0] }));
}

function meets(value: number, bar: Bar | undefined): boolean {
  if (bar === undefined) return true;
  return 'atLeast' in bar ? value >= bar.atLeast : value <= bar.atMost;
}

function inWords(bar: Bar | undefined): string {
  if (bar === undefined) return '';
  return 'atLeast' in bar ? `  (bar: ≥ ${bar.atLeast})` : `  (bar: ≤ ${bar.atMost})`;
}

const PLAIN_INTERVAL = 5_000;
let lastPlain = Number.NEGATIVE_INFINITY;

/** Says on stderr how far long work has come: in place on a terminal, else a line now and then. */
export function progress(message: string): void {
  if (process.stderr.isTTY) {
    process.stderr.write(`\r\x1b[K${message}`);
  } else if (performance.now() - lastPlain > PLAIN_INTERVAL) {
    lastPlain = performance.now();
    process.stderr.write(`${message}\n`);
  }
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}
