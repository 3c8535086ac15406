import type { Clock } from '../base/clock.ts';
import { Connection, type Pod } from './connection.ts';
import type { ConnectionEvents } from './connection-events.ts';
import type { ConnectionSettings } from './settings.ts';
import type { Wire } from './wire.ts';

/** Milliseconds that a connection lives where users don't say: less where nothing else leads to other pods. */
const MAX_DURATION_VIRTUAL = 60_000;
const MAX_DURATION_VISIBLE = 300_000;
/** Different ages that connections may be given. */
const JITTER_STEPS = 256;

type FactorySettings = Pick<
  ConnectionSettings,
  'connectionDurationJitter' | 'drainTimeout' | 'maxConnectionDuration' | 'maxRequestsPerConnection'
> & { readonly clock: Clock; readonly random: () => number };

/** What differs from one connection of a service to the next. */
export interface ConnectionTraits {
  /** It leads to a virtual IP, behind which somebody else has picked a pod. */
  isVirtual: boolean;
  /** Milliseconds it may wait for its first request. */
  idleTimeout: number;
}

/** Makes connections of wires, and draws how old each of them may become. */
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

/** Draws how many milliseconds a connection may live; 0: as long as it likes. */
export function drawDuration(
  { maxConnectionDuration, connectionDurationJitter, random }: DurationSettings,
  isVirtual: boolean,
): number {
  const usual = isVirtual ? MAX_DURATION_VIRTUAL : MAX_DURATION_VISIBLE;
  // In steps: Node keeps something for each delay that a timer ever had, for as long as that is.
  const step = Math.ceil(random() * JITTER_STEPS) / JITTER_STEPS;
  const longest = maxConnectionDuration ?? usual;
  // Whatever is drawn: 0 would be for ever.
  return longest === 0 ? 0 : Math.max(1, longest * (1 - connectionDurationJitter * step));
}
