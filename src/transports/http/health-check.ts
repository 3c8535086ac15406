import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../core/base/clock.ts';
import { outsideRequests } from '../../core/base/context.ts';
import { Patience } from '../../core/base/patience.ts';
import type { Dial, Target } from '../../core/connections/transport.ts';
import type { Check } from '../../core/health/checker.ts';
import type { HealthCheckSettings } from '../../core/health/settings.ts';
import type { Dialer } from './dialer.ts';
import { ClientRequest } from './node-http.ts';

export interface HealthCheckOptions {
  url: URL;
  dialer: Dialer;
  clock: Clock;
  settings: HealthCheckSettings;
}

/**
 * One health check, on a connection of its own, so that it tells whether the endpoint takes connections, and
 * waits behind nobody's request.
 */
export class HealthCheck implements Check {
  readonly #options: HealthCheckOptions;
  readonly #onResult: (passed: boolean) => void;
  readonly #dial: Dial;
  readonly #deadline: Timer;
  #request: ClientRequest | undefined;
  #settled = false;

  /** `onResult` is called once, later, unless the check is given up. */
  constructor(target: Target, options: HealthCheckOptions, onResult: (passed: boolean) => void) {
    this.#options = options;
    this.#onResult = onResult;
    this.#deadline = new Patience(options.clock, () => this.#end(false), options.settings.timeout);
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
    const { url, settings } = this.#options;
    // A check must not keep the process alive.
    socket.unref();
    const options = {
      createConnection: () => socket,
      path: settings.path ?? '/',
      headers: { host: url.host },
    };
    // Not by `request`, which others wrap.
    this.#request = outsideRequests(() => new ClientRequest(options as unknown as string))
      .on('response', ({ statusCode = 0 }) => this.#end(this.#isExpected(statusCode)))
      .on('error', () => this.#end(false));
    this.#request.end();
  }

  /** By default as the kubelet has it. */
  #isExpected(status: number): boolean {
    const { expectedStatus } = this.#options.settings;
    return expectedStatus === undefined ? status < 400 : status === expectedStatus;
  }

  #end(passed: boolean): void {
    this.#deadline.cancel();
    if (this.#request === undefined) this.#dial.abandon();
    else this.#request.destroy();
    if (this.#settled) return;
    this.#settled = true;
    this.#onResult(passed);
  }
}
