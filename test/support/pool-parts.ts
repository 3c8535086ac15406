import type { BalancedAgentOptions } from '../../src/config/options.ts';
import { resolveSettings } from '../../src/config/resolve-settings.ts';
import { Demand } from '../../src/core/base/demand.ts';
import { Connection, type Pod } from '../../src/core/connections/connection.ts';
import type { ConnectionEvents } from '../../src/core/connections/connection-events.ts';
import { partsOf } from '../../src/core/connections/parts.ts';
import type { Wire } from '../../src/core/connections/wire.ts';
import { FakeClock } from './clock.ts';
import { keyed } from './keyed.ts';
import { MemoryTransport, MemoryWire } from './memory-transport.ts';

type Events = ConnectionEvents<Connection>;

/** Nothing follows from what connections and dials tell. */
export const IDLE_EVENTS: Events = {
  onAging() {},
  outlivesAge: () => false,
  mayReplace: () => true,
  onRetired() {},
  onClosed() {},
  onConnected() {},
  onUnreached() {},
  onDialFailed() {},
  onDialAbandoned() {},
  onBackoffOver() {},
};

export interface PartsOptions {
  /** Endpoints; of a virtual IP, what it is taken for. */
  count?: number;
  virtual?: boolean;
  multiplexes?: boolean;
  options?: BalancedAgentOptions;
  /** For contrast. */
  makeBeforeBreak?: false;
  events?: Partial<Events>;
}

/** The parts of a pool over a transport of memory, with their first endpoints, all of them cold. What connects is not taken in. */
export function startParts({
  count = 2,
  virtual = false,
  multiplexes = false,
  options = {},
  events = {},
  ...contrast
}: PartsOptions = {}) {
  const clock = new FakeClock();
  const settings = { ...resolveSettings({ clock, random: () => 0.5, ...keyed(options) }, {}), ...contrast };
  const transport = new MemoryTransport(multiplexes, 4_000, clock);
  const demand = new Demand();
  const parts = partsOf(
    {
      settings,
      origin: 'http://orders.prod',
      transport,
      demand,
      identity: 'client',
      discovery: { onUnreachable: () => false },
      onDialFailed() {},
    },
    { ...IDLE_EVENTS, ...events },
  );
  const { set, board, podIdentity, warmth } = parts;
  const endpoints = Array.from({ length: virtual ? 1 : count }, (_, n) => ({
    address: `10.0.0.${n + 1}`,
    port: 80,
  }));
  const { fresh } = set.replace({ endpoints, source: 'test', virtual }, count);
  podIdentity.onSetChanged();
  warmth.replace(fresh);
  board.updateAll(fresh);
  return { ...parts, clock, transport, demand, pods: fresh };
}

export interface ConnectOptions {
  wire?: Wire;
  events?: Partial<Events>;
  clock?: FakeClock;
  maxDuration?: number;
}

/** Gives an endpoint a connection. */
export function connect(
  endpoint: Pod,
  { wire = new MemoryWire(), events = {}, clock = new FakeClock(), maxDuration = 0 }: ConnectOptions = {},
): Connection {
  const connection = new Connection(
    wire,
    endpoint,
    { ...IDLE_EVENTS, ...events },
    { clock, maxDuration, maxRequests: 0, drainTimeout: 0, idleTimeout: 4_000 },
  );
  endpoint.add(connection);
  return connection;
}
