import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findGrpc } from './demo/grpc-module.ts';
import { EvenkeelGrpcSide, RoundRobinSide } from './demo/grpc-sides.ts';
import { EvenkeelSide, UndiciSide } from './demo/http-sides.ts';
import { barIn } from './demo/picture.ts';
import { Meter } from './demo/report.ts';
import { isLive, jsonScreen, liveScreen, type Output, plainScreen, type Screen } from './demo/screen.ts';
import type { Side } from './demo/side.ts';
import { RATE, Traffic } from './demo/traffic.ts';
import { UsageError } from './usage-error.ts';

const OLD = 3;
const NEW = 3;
const DEFAULT_SECONDS = 15;
/** With a page, as there is more to look at. */
const SECONDS_WITH_PAGE = 120;
const PAGE_PORT = 9909;
const FEWEST_SECONDS = 2;
const MOST_SECONDS = 300;

interface Arguments {
  readonly seconds: number;
  readonly json: boolean;
  readonly page: boolean;
  readonly grpc: boolean;
}

/**
 * Shows a scale-out on this machine, within `--seconds`: for a third of them there are three pods, for the rest
 * six. The same load comes to pods through a stock undici Agent, and to others like them through evenkeel; with `--grpc`, through
 * grpc-js's round_robin, and through grpc-js with evenkeel. With `--page`, what evenkeel does is on its live page as well.
 *
 * @throws UsageError
 */
export async function demo(args: readonly string[], output: Output = process.stdout): Promise<void> {
  const parsed = parse(args);
  const { seconds, json, page } = parsed;
  const sides = sidesFor(parsed);
  if (page && !json) output.write(`The live page is at http://127.0.0.1:${PAGE_PORT}/ for ${seconds} s.\n\n`);
  await Promise.all(sides.map((side) => side.addPods(OLD)));
  const traffics = sides.map((side) => new Traffic(() => side.request()));
  try {
    await Promise.all(traffics.map(({ begun }) => begun));
    await show(sides, traffics, parsed, screenFor(output, json));
  } finally {
    await Promise.all(traffics.map((traffic) => traffic.stop()));
    await Promise.all(sides.map((side) => side.stop()));
  }
}

function sidesFor({ page, grpc }: Arguments): readonly Side[] {
  const [stock, ours] = ['127.0.1', '127.0.2'] as const;
  const port = page ? PAGE_PORT : false;
  if (!grpc) return [new UndiciSide(stock), new EvenkeelSide(ours, port)];
  const copy = findGrpc();
  return [new RoundRobinSide(stock, copy), new EvenkeelGrpcSide(ours, copy, port)];
}

async function show(
  sides: readonly Side[],
  traffics: readonly Traffic[],
  { seconds, grpc }: Arguments,
  screen: Screen,
): Promise<void> {
  const sent = grpc ? 'Calls' : 'Requests';
  const meters = () => sides.map((side, index) => new Meter(side, traffics[index]!));
  const scaleOut = Math.round(seconds / 3);
  screen.begin(
    `${RATE} ${sent.toLowerCase()}/s from each client: ${OLD} pods, and ${OLD + NEW} after ${scaleOut} s.`,
  );
  let sinceScaleOut = meters();
  let lastSecond = sinceScaleOut;
  for (let second = 1; second <= seconds; second++) {
    await setTimeout(1_000);
    screen.moment(
      second,
      lastSecond.map((meter) => meter.rates()),
    );
    if (second === scaleOut) {
      await Promise.all(sides.map((side) => side.addPods(NEW)));
      sinceScaleOut = meters();
    }
    lastSecond = meters();
  }
  screen.end(
    `${sent}/s on each pod since then:`,
    sinceScaleOut.map((meter) => meter.report(OLD)),
  );
}

function screenFor(output: Output, json: boolean): Screen {
  const layout = { pods: OLD + NEW, old: OLD, longest: barIn(output.columns || 80) };
  if (json) return jsonScreen(output);
  return isLive(output) ? liveScreen(output, layout) : plainScreen(output, layout);
}

function parse(args: readonly string[]): Arguments {
  const { seconds: text, ...switches } = valuesIn(args);
  const { page } = switches;
  const seconds = text === undefined ? (page ? SECONDS_WITH_PAGE : DEFAULT_SECONDS) : Number(text);
  if (Number.isInteger(seconds) && seconds >= FEWEST_SECONDS && seconds <= MOST_SECONDS) {
    return { seconds, ...switches };
  }
  throw new UsageError(`--seconds must be an integer from ${FEWEST_SECONDS} to ${MOST_SECONDS}, got ${text}`);
}

function valuesIn(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seconds: { type: 'string' },
        json: { type: 'boolean', default: false },
        page: { type: 'boolean', default: false },
        grpc: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw UsageError.of(error);
  }
}
