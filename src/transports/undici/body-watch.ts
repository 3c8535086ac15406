import type { Readable } from 'node:stream';
import type { Request } from './request.ts';

interface Watched {
  readonly options: { readonly body?: unknown };
}

/**
 * Listens for errors of a body while its request waits. Without a listener, such an error would be an uncaught
 * exception.
 */
export class BodyWatch {
  readonly #body: Readable;
  readonly #onError: (error: Error) => void;

  private constructor(body: Readable, exchange: Pick<Request, 'cancel'>) {
    this.#body = body;
    this.#onError = (error) => exchange.cancel(error);
    body.on('error', this.#onError);
  }

  /** `undefined` if the body is no stream. */
  static of(exchange: Pick<Request, 'cancel'> & Watched): BodyWatch | undefined {
    const { body } = exchange.options;
    return isStream(body) ? new BodyWatch(body, exchange) : undefined;
  }

  /** Stops. From now on, the Client that sends the body listens. */
  leave(): void {
    this.#body.off('error', this.#onError);
  }
}

function isStream(body: unknown): body is Readable {
  return typeof (body as Readable | null | undefined)?.on === 'function';
}
