import { type Clock, systemClock } from '../../core/base/clock.ts';
import { isProcessHeld } from '../../core/base/process-hold.ts';
import type { Dial, DialDone, Target, Transport } from '../../core/connections/transport.ts';
import { type Unacknowledged, unacknowledged } from '../../core/connections/unacknowledged.ts';
import type { Check } from '../../core/health/checker.ts';
import type { HealthCheckSettings } from '../../core/health/settings.ts';
import type { DialSteps } from './dial-steps.ts';
import { Dialer, type DialerOptions } from './dialer.ts';
import { HttpHealthCheck } from './http-health-check.ts';
import { HttpWire, type HttpWireOptions } from './http-wire.ts';

export interface HttpTransportOptions extends DialerOptions {
  clock: Clock;
  /** For how many milliseconds an idle connection lasts, if its peer says nothing else. */
  keepAlive: number;
}

/** After how many milliseconds the kernel probes a peer, with Node's agents. */
const KEEP_ALIVE_MSECS = 1_000;

/** Makes wires of sockets for requests of node:http. */
export class HttpTransport implements Transport {
  readonly clock = systemClock;
  readonly multiplexes = false;
  readonly keepAlive: number;
  readonly #dialer: Dialer;
  readonly #options: HttpTransportOptions;
  readonly #wires: HttpWireOptions;

  constructor(options: HttpTransportOptions) {
    const { clock, keepAlive, connect } = options;
    this.#options = options;
    this.#dialer = new Dialer(options);
    this.keepAlive = keepAlive;
    const { secure } = this.#dialer;
    const { keepAliveInitialDelay = KEEP_ALIVE_MSECS } = connect as { keepAliveInitialDelay?: number };
    this.#wires = { clock, keepAlive, keepAliveMsecs: keepAliveInitialDelay, secure };
  }

  get dials(): DialSteps {
    return this.#dialer.steps;
  }

  get timeout(): number {
    return this.#dialer.timeout;
  }

  get patience(): number {
    return this.#dialer.patience;
  }

  isProcessHeld(): boolean {
    return isProcessHeld();
  }

  unacknowledged(): Promise<Unacknowledged> {
    return unacknowledged();
  }

  dial(target: Target, done: DialDone): Dial {
    return this.#dialer.dial(target, (error, socket) => {
      if (socket === undefined) {
        done(error, undefined);
        return;
      }
      done(null, new HttpWire(socket, this.#wires, () => this.#dialer.trust(socket, target)));
    });
  }

  knock(target: Target, done: (error: Error | null) => void): Dial {
    return this.#dialer.knock(target, (error, socket) => {
      socket?.on('error', noop).destroy();
      done(error);
    });
  }

  check(target: Target, settings: HealthCheckSettings, done: (passed: boolean) => void): Check {
    const { url, clock } = this.#options;
    return new HttpHealthCheck(url, { target, dialer: this.#dialer, clock, settings }, done);
  }
}

function noop(): void {}
