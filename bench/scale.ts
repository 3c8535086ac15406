// What do thousands of endpoints cost: memory for each, time for a change of one?
//
// A pool of connections with 10,000 endpoints, of which none is connected, as a resolver of EndpointSlices hands
// them out; its slices are counted too. One endpoint after the other is replaced.

import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { resolveSettings } from '../src/config/resolve-settings.ts';
import { Demand } from '../src/core/base/demand.ts';
import { Pool } from '../src/core/connections/pool.ts';
import { join, usable } from '../src/core/discovery/kubernetes/selection.ts';
import { parseSlice, type Slice } from '../src/core/discovery/kubernetes/slice.ts';
import { SliceSet } from '../src/core/discovery/kubernetes/slice-set.ts';
import type { EndpointAddress } from '../src/core/discovery/resolver.ts';
import { UndiciTransport } from '../src/transports/undici/undici-transport.ts';
import { progress, report } from './support/report.ts';

const ENDPOINTS = 10_000;
const PER_SLICE = 100;
const PORT = 8080;
const NOWHERE = { zone: undefined, nodeName: undefined };

const { values: args } = parseArgs({
  options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '200' } },
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

progress('scale: measuring');
const texts = Array.from({ length: ENDPOINTS / PER_SLICE }, (_, index) => JSON.stringify(sliceOf(index, 0)));
// The code that does it has its own memory.
follow(texts.slice(0, 2));

const empty = heap();
const slices = parsed(texts);
const known = heap();
const { pool, endpoints } = poolOf(slices);
const full = heap();

report({
  bench: 'scale',
  case: 'heap of an idle endpoint',
  value: Math.round((full - empty) / ENDPOINTS),
  bar: { atMost: 1_024 },
  text: `${bytes(full - empty)}, of which ${bytes(known - empty)} for its EndpointSlice`,
  detail: { slices: (known - empty) / ENDPOINTS, endpoints: endpoints.length },
});

const rounds = Number(args.rounds);
const changes = Array.from(
  { length: rounds },
  (_, n) => parseSlice(sliceOf((n * 37) % texts.length, n + 1))!,
);
for (const slice of changes.slice(0, rounds / 10)) change(slice);
const before = cpu();
for (const slice of changes.slice(rounds / 10)) change(slice);
const time = (cpu() - before) / (rounds * 0.9);

report({
  bench: 'scale',
  case: 'change of one endpoint',
  value: round(time),
  bar: { atMost: 5 },
  text: `${round(time)} ms of CPU among ${ENDPOINTS}, on average`,
});

function change(slice: Slice): void {
  slices.put(slice);
  pool.update({ endpoints: addressesIn(slices), source: 'endpointslices', pushed: true });
}

function follow(some: readonly string[]) {
  return poolOf(parsed(some));
}

function parsed(some: readonly string[]): SliceSet {
  const set = new SliceSet();
  for (const text of some) set.put(parseSlice(JSON.parse(text))!);
  return set;
}

function poolOf(set: SliceSet) {
  const settings = resolveSettings({}, {});
  const { client, clock, connectTimeout } = settings;
  const url = new URL(`http://orders.prod:${PORT}`);
  const created = new Pool({
    settings,
    origin: url.origin,
    transport: new UndiciTransport({ url, servername: '', client, connectTimeout, clock }, () => {}),
    demand: new Demand(),
    identity: 'client',
    discovery: { onUnreachable: () => false },
    onDialFailed() {},
  });
  const addresses = addressesIn(set);
  created.update({ endpoints: addresses, source: 'endpointslices', pushed: true });
  return { pool: created, endpoints: addresses };
}

function addressesIn(set: SliceSet): EndpointAddress[] {
  const portOf = ({ ports }: Slice) => ports.get('http');
  return usable(join(set.toArray(), portOf), NOWHERE).map(({ target }) => target);
}

/** A slice as the API writes it; of its endpoints, the first is the `version`th of its kind. */
function sliceOf(index: number, version: number) {
  return {
    metadata: { name: `orders-${index}`, resourceVersion: String(1_000_000 + version) },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: PORT, protocol: 'TCP' }],
    endpoints: Array.from({ length: PER_SLICE }, (_, n) => {
      const pod = index * PER_SLICE + n + (n === 0 ? version * ENDPOINTS : 0);
      const digits = pod.toString(16).padStart(12, '0');
      return {
        addresses: [`10.${(pod >> 16) & 255}.${(pod >> 8) & 255}.${pod & 255}`],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: `ip-10-0-${pod % 200}-17.eu-central-1.compute.internal`,
        zone: `eu-central-1${'abc'[pod % 3]}`,
        targetRef: { kind: 'Pod', uid: `0f3a5b7c-1b2c-4d5e-8f90-${digits}` },
      };
    }),
  };
}

function heap(): number {
  for (let i = 0; i < 4; i++) collect();
  return process.memoryUsage().heapUsed;
}

/** Milliseconds of this thread: what others take of the CPU is none of its. */
function cpu(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

function bytes(total: number): string {
  return `${Math.round(total / ENDPOINTS)} bytes`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
