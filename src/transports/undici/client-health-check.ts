import type { Socket } from 'node:net';
import { type buildConnector, Client, type Dispatcher } from 'undici';
import { queueMicrotask } from '../../core/base/clock.ts';
import { HealthCheck, type HealthCheckOptions } from '../common/health-check.ts';

export interface ClientHealthCheckOptions extends HealthCheckOptions {
  url: URL;
  client: Client.Options;
}

/** A health check with a Client of undici. */
export class ClientHealthCheck extends HealthCheck implements Dispatcher.DispatchHandler {
  readonly #options: ClientHealthCheckOptions;
  #client: Client | undefined;

  constructor(options: ClientHealthCheckOptions, onResult: (passed: boolean) => void) {
    super(options, onResult);
    this.#options = options;
  }

  protected ask(socket: Socket): void {
    const { url, client, settings } = this.#options;
    // The Client expects the socket to be ref'd, and doesn't change that.
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

/** Gives the socket to a Client once. If the Client dials again because its peer has closed, it gets an error. */
function once(socket: Socket): buildConnector.connector {
  let given = false;
  return (_params, callback) => {
    // A Client stalls if its connector calls back synchronously.
    queueMicrotask(() => {
      if (given) callback(new Error('the connection has closed'), null);
      else callback(null, socket);
      given = true;
    });
  };
}

function noop(): void {}
