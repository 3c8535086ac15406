import type { Clock } from '../base/clock.ts';
import { Connection, type Pod } from './connection.ts';
import type { ConnectionEvents } from './connection-events.ts';
import type { ConnectionSettings } from './settings.ts';
import type { Wire } from './wire.ts';

/**
 * How many milliseconds a connection lives by default. Behind a virtual IP, only new connections reach other pods, so
 * it lives less.
 */
const MAX_DURATION_VIRTUAL = 60_000;
const MAX_DURATION_VISIBLE = 300_000;
/** How many different ages connections may get. */
const JITTER_STEPS = 256;

type FactorySettings = Pick<
  ConnectionSettings,
  'connectionDurationJitter' | 'drainTimeout' | 'maxConnectionDuration' | 'maxRequestsPerConnection'
> & { readonly clock: Clock; readonly random: () => number };

/** What differs from one connection of a service to the next. */
export interface ConnectionTraits {
  /** Whether it leads to a virtual IP, which picks the pod. */
  isVirtual: boolean;
  /** For how many milliseconds it may wait for its first request. */
  idleTimeout: number;
}

/** Makes the connection for a wire, and draws how old it may become. */
export class ConnectionFactory {
  readonly #events: ConnectionEvents<Connection>;
  readonly #settings: FactorySettings;

  constructor(events: ConnectionEvents<Connection>, settings: FactorySettings) {
    this.#events = events;
    this.#settings = settings;
  }

  create(wire: Wire, endpoint: Pod, { isVirtual, idleTimeout }: ConnectionTraits): Connection {
    const { clock, drainTimeout, maxRequestsPerConnection } = this.#settings;
    return new Connection(wire, endpoint, this.#events, {
      clock,
      maxDuration: drawDuration(this.#settings, isVirtual),
      maxRequests: maxRequestsPerConnection,
      drainTimeout,
      idleTimeout,
    });
  }
}

type DurationSettings = Pick<
  FactorySettings,
  'connectionDurationJitter' | 'maxConnectionDuration' | 'random'
>;

/** Draws for how many milliseconds a connection may live; 0 means no limit. */
export function drawDuration(
  { maxConnectionDuration, connectionDurationJitter, random }: DurationSettings,
  isVirtual: boolean,
): number {
  const usual = isVirtual ? MAX_DURATION_VIRTUAL : MAX_DURATION_VISIBLE;
  // In steps, because Node keeps a list for each delay that a timer has, as long as that delay.
  const step = Math.ceil(random() * JITTER_STEPS) / JITTER_STEPS;
  const longest = maxConnectionDuration ?? usual;
  // At least 1, because 0 would mean no limit.
  return longest === 0 ? 0 : Math.max(1, longest * (1 - connectionDurationJitter * step));
}
