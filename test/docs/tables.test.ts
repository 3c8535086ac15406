import assert from 'node:assert/strict';
import { subscribe } from 'node:diagnostics_channel';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { CLIENT_TABLE } from '../../src/config/client-options.ts';
import { variableFor } from '../../src/config/env.ts';
import { type Option, TABLE } from '../../src/config/table.ts';
import { channels } from '../../src/core/base/channels.ts';
import type { ChannelMessages } from '../../src/observe/channel-messages.ts';
import { CONNECTION_DURATION, METRICS, REQUEST_DURATION } from '../../src/telemetry/metrics.ts';
import { instrument } from '../../src/telemetry/prometheus.ts';
import { get, ManualResolver, ORIGIN, startAgent } from '../support/agent.ts';
import { startPod } from '../support/pods.ts';
import { examples, page, quoted, README, rowsUnder } from '../support/readme.ts';

type Message<Name extends keyof ChannelMessages> = Record<keyof ChannelMessages[Name], true>;

const CONNECTION: Message<'evenkeel:connection:open'> = {
  origin: true,
  address: true,
  reason: true,
  requests: true,
  age: true,
  protocol: true,
};

/** The fields that the types say messages have: the compiler asks for each of them, and for no other. */
const TYPED: { readonly [Name in keyof Omit<ChannelMessages, 'evenkeel:observe:report'>]: Message<Name> } = {
  'evenkeel:discovery:update': { origin: true, source: true, endpoints: true },
  'evenkeel:discovery:error': { origin: true, error: true },
  'evenkeel:endpoint:add': { origin: true, address: true },
  'evenkeel:endpoint:remove': { origin: true, address: true, reason: true },
  'evenkeel:endpoint:eject': { origin: true, address: true, reason: true, duration: true },
  'evenkeel:endpoint:restore': { origin: true, address: true, reason: true, duration: true },
  'evenkeel:connection:open': CONNECTION,
  'evenkeel:connection:retire': CONNECTION,
  'evenkeel:connection:close': CONNECTION,
  'evenkeel:request:start': {
    origin: true,
    address: true,
    attempt: true,
    waited: true,
    method: true,
    path: true,
  },
  'evenkeel:request:retry': {
    origin: true,
    address: true,
    reason: true,
    attempt: true,
    method: true,
    path: true,
    error: true,
  },
  'evenkeel:request:end': {
    origin: true,
    address: true,
    duration: true,
    method: true,
    path: true,
    statusCode: true,
    outcome: true,
    protocol: true,
  },
};

/** Names in the sources that look like codes: variables, and what debuggers call a wait. */
const NO_CODES = [
  'EVENKEEL_DISABLED',
  'EVENKEEL_MODE',
  'EVENKEEL_OBSERVE_INTERVAL',
  'EVENKEEL_OBSERVE_FORMAT',
  'EVENKEEL_METRICS',
  'EVENKEEL_DNS_MIN_TTL',
  'EVENKEEL_DNS_MAX_TTL',
  'EVENKEEL_REQUEST',
  'EVENKEEL_WAITER',
];

interface Entries {
  readonly [name: string]: Option<unknown> | Entries;
}

/** The options of a table, by their full names. */
function optionsIn(entries: Entries, path: readonly string[] = []): [string, Option<unknown>][] {
  return Object.entries(entries).flatMap(([name, entry]) =>
    typeof entry.parse === 'function'
      ? [[[...path, name].join('.'), entry as Option<unknown>]]
      : optionsIn(entry as Entries, [...path, name]),
  );
}

const optionsPage = page('options.md');
const observability = page('observability.md');
const failures = page('failures.md');

const rows = rowsUnder('Option', optionsPage).map(
  ([option, ...cells]) => [quoted(option!)[0]!, ...cells] as const,
);
const options = optionsIn(TABLE as unknown as Entries);

test('the table has all options of evenkeel’s own, in the order of the code', () => {
  assert.deepEqual(
    rows.map(([name]) => name),
    options.map(([name]) => name),
  );
});

test('the table has the defaults of the code', () => {
  for (const [index, [name, option]] of options.entries()) {
    const cell = rows[index]![1]!;
    const [literal] = cell === `\`${quoted(cell)[0]}\`` ? quoted(cell) : [];
    // Where it depends, or is no value, words say so.
    const inWords =
      [undefined, Number.POSITIVE_INFINITY].includes(option.fallback as undefined) ||
      Array.isArray(option.fallback);
    if (inWords || name === 'clock') assert.equal(literal, undefined, name);
    else if (name === 'random') assert.equal(literal, 'Math.random');
    else assert.deepEqual(option.parse(meantBy(literal!)), option.fallback, name);
  }
});

test('the table has the variables that are read', () => {
  for (const [index, [name, option]] of options.entries()) {
    const variable = option.fromText && variableFor(name.split('.'));
    assert.equal(rows[index]![2], variable === undefined ? '–' : `\`${variable}\``);
  }
});

test('the README has the same defaults', () => {
  const defaults = new Map(rows.map(([name, cell]) => [name, withoutLinks(cell!)]));
  for (const [option, cell] of rowsUnder('Option', README)) {
    const [name] = quoted(option!);
    const known = defaults.get(name!);
    if (known !== undefined) assert.equal(withoutLinks(cell!), known, name);
    // Those that are switches of nested ones have no row of their own.
    else
      assert.ok(
        rows.some(([other]) => other.startsWith(`${name}.`)),
        name,
      );
  }
});

test('undici’s options are listed', () => {
  const list = /have variables too(.*?)\.\n/s.exec(optionsPage)![1]!;
  const [, , ...names] = quoted(list);
  assert.deepEqual(names, Object.keys(CLIENT_TABLE));
});

test('codes of errors and warnings are in the tables, and no others', () => {
  const inText = rowsUnder('Code', failures).flatMap(([code]) => quoted(code!));
  const besides = ['EVENKEEL_KUBERNETES_API', 'EVENKEEL_KUBERNETES_SILENT'];
  for (const code of besides) assert.ok(failures.includes(`\`${code}\``), code);
  assert.deepEqual([...inText, ...besides].sort(), [...codesInSource()].sort());
});

test('the types of messages have the fields that the table says', () => {
  assert.deepEqual(
    Object.fromEntries(
      rowsUnder('Channel', observability).map(([name, message]) => [
        quoted(name!)[0],
        message!.match(/\w+/g),
      ]),
    ),
    Object.fromEntries(Object.entries(TYPED).map(([name, fields]) => [name, Object.keys(fields)])),
  );
});

test('channels have the messages that the table says', async (t) => {
  const keys = new Map<string, string[]>();
  for (const { name } of Object.values(channels)) {
    subscribe(String(name), (message) => keys.set(String(name), Object.keys(message as object)));
  }
  const pod = await startPod(t);
  const resolver = new ManualResolver();
  resolver.say({ error: new Error('not yet') });
  const agent = startAgent(t, [], {
    discovery: resolver.resolve,
    outlierDetection: { consecutiveFailures: 1, baseEjectionTime: 1 },
  });
  await assert.rejects(get(agent), { message: 'not yet' });
  resolver.set([pod]);
  await get(agent);
  pod.respond = (request) => request.socket.destroy();
  await assert.rejects(get(agent));
  const restored = new Promise((resolve) => subscribe('evenkeel:endpoint:restore', resolve));
  pod.respond = (_request, response) => response.writeHead(503).end();
  await assert.rejects(get(agent));
  await restored;
  await agent.close();
  assert.deepEqual(
    new Map(
      rowsUnder('Channel', observability).map(([name, message]) => [
        quoted(name!)[0],
        message!.match(/\w+/g),
      ]),
    ),
    new Map(Object.values(channels).map(({ name }) => [String(name), keys.get(String(name))])),
  );
});

test('the table has all metrics, under both names, with their attributes', (t) => {
  const registry = new Registry();
  t.after(instrument({ registry }));
  const names = registry.getMetricsAsArray().map((metric) => (metric as unknown as { name: string }).name);
  const rows = rowsUnder('Metric', observability).map(([metric, name, attributes]) => [
    quoted(metric!)[0],
    metric!.endsWith('*'),
    name!.replaceAll('`', ''),
    quoted(attributes!),
  ]);
  const all = [...METRICS, CONNECTION_DURATION, REQUEST_DURATION].map(({ name, byEndpoint, attributes }) => {
    const own = names.find((other) => other.startsWith(name.replaceAll('.', '_')));
    return [name, byEndpoint, own, attributes];
  });
  assert.deepEqual(rows.toSorted(), all.toSorted());
});

for (const [name, text] of [
  ['README.md', README],
  ['observability.md', observability],
] as const) {
  test(`stats are as ${name} shows them`, async (t) => {
    const agent = startAgent(t, [await startPod(t)]);
    await get(agent);
    const { code } = examples('text', text).find(({ code }) => code.startsWith('{'))!;
    const shown = Object.values(new Function(`return ${code}`)() as typeof agent.stats)[0]!;
    const stats = agent.stats[ORIGIN]!;
    assert.deepEqual(Object.keys(shown), Object.keys(stats));
    assert.deepEqual(Object.keys(shown.discovery), Object.keys(stats.discovery));
    assert.deepEqual(Object.keys(shown.endpoints[0]!), Object.keys(stats.endpoints[0]!));
  });
}

function withoutLinks(cell: string): string {
  return cell.replace(/\]\([^)]*\)/g, ']');
}

/** The value that stands for itself in a table: a number or a string. */
function meantBy(literal: string): unknown {
  if (literal === 'true') return true;
  return literal.startsWith("'") ? literal.slice(1, -1) : Number(literal);
}

/** What the sources give to errors and warnings as their codes. */
function codesInSource(): Set<string> {
  const folder = join(import.meta.dirname, '../../src');
  // Variables have such names too.
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /\.c?ts$/.test(file) && file !== join('config', 'variables.ts'),
  );
  const text = files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n');
  const names = Array.from(text.matchAll(/'((?:EVENKEEL|ERR_AGENT)_[A-Z_]*[A-Z])'/g), ([, name]) => name!);
  return new Set(names.filter((name) => !NO_CODES.includes(name)));
}
