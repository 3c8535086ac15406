import { parseArgs } from 'node:util';
import { watch } from './top/events.ts';
import { picture } from './top/picture.ts';
import { Rates } from './top/rates.ts';
import { UsageError } from './usage-error.ts';

export interface TopOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

const DEFAULT_PORT = '9909';
/** Of what is no terminal, or says that it has no size. */
const WIDEST = 160;
const TALLEST = 1_000;
/** A screen of its own, which goes away again with what is on it. */
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';

/**
 * Shows, in a terminal, what evenkeel does in a process that serves the admin page. Where there is no terminal, or with
 * `--once`, it shows it once.
 *
 * @throws UsageError
 */
export async function top(args: readonly string[], output: TopOutput = process.stdout): Promise<number> {
  const { address, once } = parse(args);
  const isLive = output.isTTY === true && !once;
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once('SIGINT', onSignal);
  const rates = new Rates();
  let moments = 0;
  try {
    for await (const { at, services } of watch(address, stop.signal)) {
      rates.add(at, services);
      if (moments === 0 && isLive) output.write(ENTER);
      moments++;
      const lines = picture(services, rates, {
        colour: output.isTTY === true && !process.env.NO_COLOR,
        columns: output.columns || WIDEST,
        rows: isLive ? (output.rows || TALLEST) - 2 : TALLEST,
      });
      if (isLive) output.write(`\x1b[H${[...lines, `${address}: Ctrl+C ends this`].join('\x1b[K\n')}\x1b[J`);
      // The first moment has no rates.
      else if (moments === 2) {
        output.write(`${lines.join('\n').trimEnd()}\n`);
        return 0;
      }
    }
    throw new Error('it has ended');
  } catch (error) {
    if (stop.signal.aborted) return 0;
    throw new Error(`${address} can't be watched: ${(error as Error).message}${hintAt(error)}`);
  } finally {
    stop.abort();
    process.off('SIGINT', onSignal);
    if (moments > 0 && isLive) output.write(LEAVE);
  }
}

function hintAt(error: unknown): string {
  return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED'
    ? '\nStart the app with EVENKEEL_ADMIN=9909, and without EVENKEEL_MODE=observe or EVENKEEL_DISABLED; in Kubernetes: kubectl port-forward deploy/NAME 9909'
    : '';
}

function parse(args: readonly string[]): { address: string; once: boolean } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { once: { type: 'boolean', default: false } },
    });
    const [text = DEFAULT_PORT, ...more] = positionals;
    const address = /^\d+$/.test(text) ? `127.0.0.1:${text}` : text.replace(/^http:\/\/|\/$/g, '');
    const url = URL.parse(`http://${address}`);
    if (more.length > 0 || url === null || url.host === '' || url.pathname !== '/') {
      throw new Error(`expected a port, or HOST:PORT, got ${args.join(' ')}`);
    }
    return { address: url.port === '' ? `${url.hostname}:${DEFAULT_PORT}` : address, once: values.once };
  } catch (error) {
    throw UsageError.of(error);
  }
}
