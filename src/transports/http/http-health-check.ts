import type { Socket } from 'node:net';
import { outsideRequests } from '../../core/base/context.ts';
import { HealthCheck, type HealthCheckOptions } from '../common/health-check.ts';
import { ClientRequest } from './node-http.ts';

/** A health check that is a request of node:http. */
export class HttpHealthCheck extends HealthCheck {
  readonly #url: URL;
  readonly #path: string;
  #request: ClientRequest | undefined;

  constructor(url: URL, options: HealthCheckOptions, onResult: (passed: boolean) => void) {
    super(options, onResult);
    this.#url = url;
    this.#path = options.settings.path ?? '/';
  }

  protected ask(socket: Socket): void {
    const options = {
      createConnection: () => socket,
      path: this.#path,
      headers: { host: this.#url.host },
    };
    // Not with `request()`, which other code may have wrapped.
    this.#request = outsideRequests(() => new ClientRequest(options as unknown as string))
      .on('response', ({ statusCode = 0 }) => {
        this.tell(statusCode);
        this.end();
      })
      .on('error', () => this.end());
    this.#request.end();
  }

  protected stop(): void {
    this.#request?.destroy();
  }
}
