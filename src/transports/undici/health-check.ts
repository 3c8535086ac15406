import type { Socket } from 'node:net';
import { type buildConnector, Client, type Dispatcher } from 'undici';
import { type Clock, queueMicrotask, type Timer } from '../../core/base/clock.ts';
import { Patience } from '../../core/base/patience.ts';
import type { Dial, Target } from '../../core/connections/transport.ts';
import type { Check } from '../../core/health/checker.ts';
import type { Dialer } from './dialer.ts';

export interface HealthCheckOptions {
  url: URL;
  dialer: Dialer;
  client: Client.Options;
  clock: Clock;
  path: string;
  /** Milliseconds until the response begins, the dial included. */
  timeout: number;
  isExpected: (statusCode: number) => boolean;
}

/**
 * One health check, on a connection of its own, so that it tells whether the endpoint takes connections, and
 * waits behind nobody's request.
 */
export class HealthCheck implements Check, Dispatcher.DispatchHandler {
  readonly #options: HealthCheckOptions;
  readonly #onResult: (passed: boolean) => void;
  readonly #dial: Dial;
  readonly #deadline: Timer;
  #client: Client | undefined;
  #settled = false;

  /** `onResult` is called once, later, unless the check is given up. */
  constructor(target: Target, options: HealthCheckOptions, onResult: (passed: boolean) => void) {
    this.#options = options;
    this.#onResult = onResult;
    this.#deadline = new Patience(options.clock, () => this.#end(false), options.timeout);
    this.#dial = options.dialer.dial(target, (_error, socket) => {
      if (socket === undefined) this.#end(false);
      else this.#ask(socket);
    });
    this.#dial.unref();
  }

  abandon(): void {
    this.#settled = true;
    this.#end(false);
  }

  #ask(socket: Socket): void {
    const { url, client, path } = this.#options;
    // The Client takes it to be ref'd, and leaves it as it is: a check must not keep the process alive.
    socket.unref?.();
    this.#client = new Client(url, { ...client, connect: once(socket) });
    this.#client.dispatch({ path, method: 'GET', reset: true }, this);
  }

  #end(passed: boolean): void {
    this.#deadline.cancel();
    if (this.#client === undefined) this.#dial.abandon();
    else this.#client.destroy(null, noop);
    if (this.#settled) return;
    this.#settled = true;
    this.#onResult(passed);
  }

  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, statusCode: number): void {
    if (statusCode < 200 || this.#settled) return;
    this.#settled = true;
    this.#onResult(this.#options.isExpected(statusCode));
  }

  onResponseData(): void {}

  onResponseEnd(): void {
    this.#end(false);
  }

  onResponseError(): void {
    this.#end(false);
  }
}

/** Gives the socket to a Client; one that dials again, as its peer has closed, gets nothing. */
function once(socket: Socket): buildConnector.connector {
  let given = false;
  return (_params, callback) => {
    // A Client whose connector calls back synchronously stalls.
    queueMicrotask(() => {
      if (given) callback(new Error('the connection has closed'), null);
      else callback(null, socket);
      given = true;
    });
  };
}

function noop(): void {}
