import type { Client } from 'undici';
import { type Clock, systemClock } from '../../core/base/clock.ts';
import { isProcessHeld } from '../../core/base/process-hold.ts';
import type { Dial, DialDone, Target, Transport } from '../../core/connections/transport.ts';
import { unacknowledged } from '../../core/connections/unacknowledged.ts';
import { formatAddress } from '../../core/endpoints/endpoint-keys.ts';
import type { Check } from '../../core/health/checker.ts';
import type { HealthCheckSettings } from '../../core/health/settings.ts';
import { ClientHealthCheck } from './client-health-check.ts';
import { type ClientEvents, ClientWire, type ClientWireOptions } from './client-wire.ts';
import { Dialer } from './dialer.ts';
import { Suspicion } from './unasked-bytes.ts';
import { DEFAULTS } from './undici.ts';

export interface UndiciTransportOptions {
  url: URL;
  /** The name for SNI and for the certificate check; '' for an IP address. */
  servername: string;
  client: Client.Options;
  connectTimeout: number;
  clock: Clock;
}

/** Makes a wire of an undici Client for each connected socket. */
export class UndiciTransport implements Transport {
  readonly clock = systemClock;
  readonly keepAlive: number;
  readonly multiplexes: boolean;
  readonly isProcessHeld = isProcessHeld;
  readonly unacknowledged = unacknowledged;
  readonly #dialer: Dialer;
  readonly #options: UndiciTransportOptions;
  readonly #wires: ClientWireOptions;

  constructor(options: UndiciTransportOptions, events: ClientEvents) {
    const { url, client, connectTimeout, clock } = options;
    this.#options = options;
    this.#dialer = new Dialer(options);
    this.#wires = { url, client, clock, helloTimeout: connectTimeout, events, suspicion: new Suspicion() };
    this.keepAlive = client.keepAliveTimeout ?? DEFAULTS.keepAliveTimeout;
    const { allowH2, h2Options } = client;
    this.multiplexes = allowH2 !== false && (url.protocol === 'https:' || h2Options?.useH2c === true);
  }

  get timeout(): number {
    return this.#dialer.timeout;
  }

  get patience(): number {
    return this.#dialer.patience;
  }

  dial(target: Target, done: DialDone): Dial {
    return this.#dialer.dial(target, (error, socket) => {
      if (socket === undefined) done(error, undefined);
      else done(null, new ClientWire(socket, formatAddress(target.info), this.#wires));
    });
  }

  knock(target: Target, done: (error: Error | null) => void): Dial {
    return this.#dialer.knock(target, (error, socket) => {
      socket?.on('error', noop).destroy();
      done(error);
    });
  }

  check(target: Target, settings: HealthCheckSettings, done: (passed: boolean) => void): Check {
    const { url, client, clock } = this.#options;
    const options = { target, url, dialer: this.#dialer, client, clock, settings };
    return new ClientHealthCheck(options, done);
  }
}

function noop(): void {}
