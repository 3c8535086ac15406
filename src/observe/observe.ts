import { channel, subscribe } from 'node:diagnostics_channel';
import { parseDuration } from '../config/duration.ts';
import { environment, read, warn } from '../config/env.ts';
import { linesOf, makeReport, type ObserveReport } from './report.ts';
import { Sights } from './sight.ts';
import { Traffic } from './traffic.ts';

const VARIABLE = 'EVENKEEL_OBSERVE_INTERVAL';
const DEFAULT_INTERVAL = 300_000;
const LONGEST_INTERVAL = 2 ** 31 - 1;

const reports = channel('evenkeel:observe:report');

/**
 * Watches what undici sends and where to, changes nothing, and reports how even it was: every
 * `EVENKEEL_OBSERVE_INTERVAL` (a duration; default `5m`; `0`: only then) and when the process exits, on stderr and
 * on the channel `evenkeel:observe:report`.
 */
export function observe(): void {
  const sights = new Sights();
  const traffic = new Traffic((origin) => void sights.look(origin));
  let since = performance.now();

  listen('undici:client:connected', (message) => traffic.connected(message));
  listen('undici:client:sendHeaders', (message) => traffic.sent(message));
  listen('http.client.request.start', (message) => traffic.sentByOthers(message));

  const tell = () => {
    const now = performance.now();
    const report = makeReport({
      traffic,
      sightOf: (origin) => sights.of(origin),
      settings: sights.settings,
      duration: now - since,
    });
    since = now;
    traffic.reset();
    publish(report);
  };
  const interval = intervalIn(read(environment(), VARIABLE));
  if (interval > 0) {
    setInterval(() => {
      const origins = [...traffic.origins.keys()];
      void sights.lookAll(origins).then(tell);
    }, interval).unref();
  }
  process.once('exit', tell);
}

function publish(report: ObserveReport): void {
  try {
    const lines = linesOf(report);
    if (lines.length === 0) return;
    process.stderr.write(`${lines.join('\n')}\n`);
    if (reports.hasSubscribers) reports.publish(report);
  } catch {
    // Whoever reads stderr has gone.
  }
}

/** Whatever goes wrong here must not be the request's problem. */
// biome-ignore lint/suspicious/noExplicitAny: what is published has no type
function listen(name: string, take: (message: any) => void): void {
  subscribe(name, (message) => {
    try {
      take(message);
    } catch {
      // Another copy of undici may publish something else.
    }
  });
}

function intervalIn(text: string | undefined): number {
  if (text === undefined) return DEFAULT_INTERVAL;
  const interval = parseDuration(text);
  if (interval <= LONGEST_INTERVAL) return interval;
  warn(`${VARIABLE} must be a duration (milliseconds, or like '60s', '5m', '1h'), got '${text}'`);
  return DEFAULT_INTERVAL;
}
