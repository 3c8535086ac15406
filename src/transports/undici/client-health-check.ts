import type { Socket } from 'node:net';
import { type buildConnector, Client, type Dispatcher } from 'undici';
import { queueMicrotask } from '../../core/base/clock.ts';
import { HealthCheck, type HealthCheckOptions } from '../common/health-check.ts';

export interface ClientHealthCheckOptions extends HealthCheckOptions {
  url: URL;
  client: Client.Options;
}

/** A health check by a Client of undici's. */
export class ClientHealthCheck extends HealthCheck implements Dispatcher.DispatchHandler {
  readonly #options: ClientHealthCheckOptions;
  #client: Client | undefined;

  constructor(options: ClientHealthCheckOptions, onResult: (passed: boolean) => void) {
    super(options, onResult);
    this.#options = options;
  }

  protected ask(socket: Socket): void {
    const { url, client, settings } = this.#options;
    // It takes the socket to be ref'd, and leaves it as it is.
    this.#client = new Client(url, { ...client, connect: once(socket) });
    this.#client.dispatch({ path: settings.path ?? '/', method: 'GET', reset: true }, this);
  }

  protected stop(): void {
    this.#client?.destroy(null, noop);
  }

  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, statusCode: number): void {
    if (statusCode >= 200) this.tell(statusCode);
  }

  onResponseData(): void {}

  onResponseEnd(): void {
    this.end();
  }

  onResponseError(): void {
    this.end();
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
