import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../core/base/clock.ts';
import { Patience } from '../../core/base/patience.ts';
import type { Dial, Target } from '../../core/connections/transport.ts';
import type { Check } from '../../core/health/checker.ts';
import type { HealthCheckSettings } from '../../core/health/settings.ts';

export interface HealthCheckOptions {
  target: Target;
  dialer: {
    dial(target: Target, done: (error: Error | null, socket: Socket | undefined) => void): Dial;
  };
  clock: Clock;
  settings: HealthCheckSettings;
}

/**
 * One health check, on a connection of its own. So the check also shows whether the endpoint accepts connections, and
 * doesn't wait behind a request. Each transport sends it in its own way.
 */
export abstract class HealthCheck implements Check {
  readonly #expectedStatus: number | undefined;
  readonly #onResult: (passed: boolean) => void;
  readonly #dial: Dial;
  readonly #deadline: Timer;
  #isAsking = false;
  #settled = false;

  /** Calls `onResult` once, later, unless the check is given up. */
  constructor({ target, dialer, clock, settings }: HealthCheckOptions, onResult: (passed: boolean) => void) {
    this.#expectedStatus = settings.expectedStatus;
    this.#onResult = onResult;
    this.#deadline = new Patience(clock, () => this.end(), settings.timeout);
    this.#dial = dialer.dial(target, (_error, socket) => {
      if (socket === undefined) this.end();
      else this.#begin(socket);
    });
    this.#dial.unref();
  }

  #begin(socket: Socket): void {
    // A check must not keep the process alive. A socket of the user's connector may have no `unref`.
    socket.unref?.();
    this.#isAsking = true;
    this.ask(socket);
  }

  /** Sends the request on the connection, and calls `tell` and `end`. */
  protected abstract ask(socket: Socket): void;

  /** Ends what `ask` has begun, and the connection. */
  protected abstract stop(): void;

  abandon(): void {
    this.#settled = true;
    this.end();
  }

  /** The response has begun. By default, the check passes with the statuses that the kubelet accepts. */
  protected tell(status: number): void {
    this.#settle(this.#expectedStatus === undefined ? status < 400 : status === this.#expectedStatus);
  }

  /** The check has ended. Without a response, it has failed. */
  protected end(): void {
    this.#deadline.cancel();
    if (this.#isAsking) this.stop();
    else this.#dial.abandon();
    this.#settle(false);
  }

  #settle(passed: boolean): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#onResult(passed);
  }
}
