import type { Socket } from 'node:net';
import type { Settings } from '../../config/settings.ts';
import { Connection, type ConnectionOwner } from './connection.ts';

/** Milliseconds that a connection lives where users don't say: less where nothing else leads to other pods. */
const MAX_DURATION_VIRTUAL = 60_000;
const MAX_DURATION_VISIBLE = 300_000;
/** Different ages that connections may be given. */
const JITTER_STEPS = 256;

type ConnectionSettings = Pick<
  Settings,
  | 'client'
  | 'clock'
  | 'connectTimeout'
  | 'connectionDurationJitter'
  | 'drainTimeout'
  | 'maxConnectionDuration'
  | 'maxRequestsPerConnection'
  | 'random'
>;

/** What differs from one connection of a service to the next. */
export interface ConnectionTraits {
  /** It leads to a virtual IP, behind which somebody else has picked a pod. */
  isVirtual: boolean;
  /** Milliseconds it may wait for its first request. */
  idleTimeout: number;
}

/** Makes connections of sockets, and draws how old each of them may become. */
export class ConnectionFactory {
  readonly #url: URL;
  readonly #settings: ConnectionSettings;

  constructor(url: URL, settings: ConnectionSettings) {
    this.#url = url;
    this.#settings = settings;
  }

  create(socket: Socket, owner: ConnectionOwner, { isVirtual, idleTimeout }: ConnectionTraits): Connection {
    const { client, clock, connectTimeout, drainTimeout, maxRequestsPerConnection } = this.#settings;
    return new Connection(socket, owner, {
      url: this.#url,
      client,
      clock,
      maxDuration: this.#drawMaxDuration(isVirtual),
      maxRequests: maxRequestsPerConnection,
      drainTimeout,
      idleTimeout,
      helloTimeout: connectTimeout,
    });
  }

  #drawMaxDuration(isVirtual: boolean): number {
    const { maxConnectionDuration, connectionDurationJitter, random } = this.#settings;
    const usual = isVirtual ? MAX_DURATION_VIRTUAL : MAX_DURATION_VISIBLE;
    // In steps: Node keeps something for each delay that a timer ever had, for as long as that is.
    const step = Math.ceil(random() * JITTER_STEPS) / JITTER_STEPS;
    return (maxConnectionDuration ?? usual) * (1 - connectionDurationJitter * step);
  }
}
