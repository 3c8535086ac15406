import { channel, subscribe } from 'node:diagnostics_channel';
import { parseDuration } from '../config/duration.ts';
import { read, warn } from '../config/env.ts';
import type { Settings } from '../config/settings.ts';
import { monotonicNow, setImmediate, setInterval } from '../core/base/clock.ts';
import { environment } from '../core/base/environment.ts';
import { linesOf, makeReport, type ObserveReport } from './report.ts';
import { type Manages, Sights } from './sight.ts';
import { Traffic } from './traffic.ts';

const VARIABLE = 'EVENKEEL_OBSERVE_INTERVAL';
const DEFAULT_INTERVAL = 300_000;
const LONGEST_INTERVAL = 2 ** 31 - 1;

const reports = channel('evenkeel:observe:report');

let sights: Sights | undefined;

/**
 * Watches what undici sends and where to, changes nothing, and reports how even it was: every
 * `EVENKEEL_OBSERVE_INTERVAL` (a duration; default `5m`; `0`: only then) and when the process exits, on stderr and
 * on the channel `evenkeel:observe:report`. Called again, it reports what other settings would change.
 */
export function observe(settings: Settings, manages: Manages): void {
  if (sights === undefined) start(new Sights(settings, manages));
  else sights.settings = settings;
}

function start(watching: Sights): void {
  sights = watching;
  const traffic = new Traffic((origin) => void watching.look(origin));
  let since = monotonicNow();

  listen('undici:client:connected', (message) => traffic.connected(message));
  listen('undici:client:sendHeaders', (message) => traffic.sent(message));
  listen('http.client.request.start', (message) => traffic.sentByOthers(message));

  const tell = () => {
    const now = monotonicNow();
    try {
      publish(
        makeReport({
          traffic,
          sightOf: (origin) => watching.of(origin),
          settings: watching.settings,
          duration: now - since,
        }),
      );
    } catch {
      // What can't be reported must not end the app.
    }
    since = now;
    traffic.reset();
  };
  const interval = intervalIn(read(environment(), VARIABLE));
  let looking = false;
  if (interval > 0) {
    setInterval(async () => {
      // Name servers that say nothing take longer than a short interval.
      if (looking) return;
      looking = true;
      await watching.lookAll([...traffic.origins.keys()]);
      looking = false;
      tell();
    }, interval).unref();
  }
  process.once('exit', tell);
}

function publish(report: ObserveReport): void {
  const lines = linesOf(report);
  if (lines.length === 0) return;
  print(lines);
  if (reports.hasSubscribers) reports.publish(report);
}

/** As `console.error` does: a stderr that nobody reads any more is not the app's problem. */
function print(lines: readonly string[]): void {
  try {
    const { stderr } = process;
    const ignore = () => {};
    stderr.once('error', ignore);
    stderr.write(`${lines.join('\n')}\n`, () => setImmediate(() => stderr.off('error', ignore)).unref());
  } catch {
    // It is closed.
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
