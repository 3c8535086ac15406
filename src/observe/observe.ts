import { channel, subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { parseDuration } from '../config/duration.ts';
import { read, warn } from '../config/env.ts';
import type { Settings } from '../config/settings.ts';
import { monotonicNow, setImmediate, setInterval, wallClock } from '../core/base/clock.ts';
import { environment } from '../core/base/environment.ts';
import { hasTraffic, linesOf, makeReport, type ObserveReport } from './report.ts';
import { type Managing, Sights } from './sight.ts';
import { type Begun, type IsLeftToNode, type Sent, Traffic } from './traffic.ts';

const INTERVAL = 'EVENKEEL_OBSERVE_INTERVAL';
const FORMAT = 'EVENKEEL_OBSERVE_FORMAT';
const DEFAULT_INTERVAL = 300_000;
const LONGEST_INTERVAL = 2 ** 31 - 1;
type Format = 'text' | 'json';

/** Commands that run beside the app, and send nothing, usually end sooner. They print no report. */
const SHORT_LIFE = 5_000;
const CHANNEL = 'evenkeel:observe:report';

const reports = channel(CHANNEL);

let sights: Sights | undefined;

/**
 * Watches what undici, node:http, grpc-js and connect-node send and where to, changes nothing, and reports how even it was: every
 * `EVENKEEL_OBSERVE_INTERVAL` (a duration; default `5m`; `0`: only then) and when the process exits, on stderr (in lines
 * for people, or with `EVENKEEL_OBSERVE_FORMAT=json` as one line of JSON) and on the channel `evenkeel:observe:report`. Called again, it reports what other settings would change.
 */
export function observe(settings: Settings, installed: Managing & { isLeftToNode: IsLeftToNode }): void {
  if (sights === undefined) start(new Sights(settings, installed), installed.isLeftToNode);
  else sights.settings = settings;
}

function start(watching: Sights, isLeftToNode: IsLeftToNode): void {
  sights = watching;
  const traffic = new Traffic((target) => void watching.look(target), isLeftToNode);
  const begun = monotonicNow();
  let since = begun;
  const format = formatIn(read(environment(), FORMAT));

  listen('undici:client:connected', (message: Sent) => traffic.connected(message));
  listen('undici:client:sendHeaders', (message: Sent) => traffic.sent(message));
  listen('http2.client.stream.start', (message: Begun) => traffic.called(message));
  listen('http.client.request.start', (message: { request: ClientRequest }) => traffic.sentByNode(message));

  const tell = (isLast = false) => {
    const now = monotonicNow();
    try {
      const report = makeReport({
        traffic,
        sightOf: (target) => watching.of(target),
        settings: watching.settings,
        duration: now - since,
      });
      if (!isLast || now - begun >= SHORT_LIFE || hasTraffic(report)) publish(report, format);
    } catch {
      // An error here must not end the app.
    }
    since = now;
    traffic.reset();
  };
  const interval = intervalIn(read(environment(), INTERVAL));
  let looking = false;
  if (interval > 0) {
    setInterval(async () => {
      // If name servers are silent, a look-up takes longer than a short interval.
      if (looking) return;
      looking = true;
      await watching.lookAll(traffic.targets);
      looking = false;
      tell();
    }, interval).unref();
  }
  process.once('exit', () => tell(true));
}

function publish(report: ObserveReport, format: Format): void {
  print(format === 'json' ? [jsonOf(report)] : linesOf(report));
  if (reports.hasSubscribers) reports.publish(report);
}

/** Each field is always there, and `null` if there is nothing to say. */
function jsonOf(report: ObserveReport): string {
  const line = { channel: CHANNEL, time: new Date(wallClock()).toISOString(), ...report };
  return JSON.stringify(line, (_name, value: unknown) => value ?? null);
}

/** Like `console.error`: if nobody reads stderr any more, that must not hurt the app. */
function print(lines: readonly string[]): void {
  try {
    const { stderr } = process;
    const ignore = () => {};
    stderr.once('error', ignore);
    stderr.write(`${lines.join('\n')}\n`, () => setImmediate(() => stderr.off('error', ignore)).unref());
  } catch {
    // stderr is closed.
  }
}

/**
 * Subscribes to a channel whose messages have no type; `Message` is what they are known to be. An error here must not
 * hurt a request.
 */
function listen<Message>(name: string, take: (message: Message) => void): void {
  subscribe(name, (message) => {
    try {
      take(message as Message);
    } catch {
      // Another copy of undici may publish other messages.
    }
  });
}

function intervalIn(text: string | undefined): number {
  if (text === undefined) return DEFAULT_INTERVAL;
  const interval = parseDuration(text);
  if (interval <= LONGEST_INTERVAL) return interval;
  warn(`${INTERVAL} must be a duration (milliseconds, or like '60s', '5m', '1h'), got '${text}'`);
  return DEFAULT_INTERVAL;
}

function formatIn(text: string | undefined): Format {
  if (text === 'json') return text;
  if (text !== undefined && text !== 'text') warn(`${FORMAT} must be 'text' or 'json', got '${text}'`);
  return 'text';
}
