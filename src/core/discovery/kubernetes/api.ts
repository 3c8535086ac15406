import { EvenkeelError } from '../../base/errors.ts';

/** An answer of the Kubernetes API, its body not read yet. */
export interface ApiResponse {
  readonly status: number;
  /** The value of `Retry-After`, if it came. */
  readonly retryAfter: string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * A way to the Kubernetes API, which proves by itself who we are. `get` rejects when no answer comes
 * or `signal` aborts; nothing it opens keeps the process alive.
 */
export interface ApiTransport {
  /** The namespace that names without one lie in. */
  readonly namespace: string | undefined;
  get(path: string, signal: AbortSignal): Promise<ApiResponse>;
}

/** One that questions can be put to as well, which take the form of an object. */
export interface AskingTransport extends ApiTransport {
  /** Sends `body`, as JSON. */
  post(path: string, body: object, signal: AbortSignal): Promise<ApiResponse>;
}

/** The Kubernetes API refused: an answer that isn't 200, or an ERROR event of a watch. */
export class ApiError extends EvenkeelError {
  override name = 'ApiError';
  readonly status: number;
  /** Milliseconds the server asks to wait; 0 when it doesn't say. */
  readonly retryAfter: number;
  /** The server has not reached the version that was asked for, and may never: its history may be another one now. */
  readonly ahead: boolean;

  constructor(status: number, message: string, retryAfter = 0, ahead = false) {
    super('EVENKEEL_KUBERNETES_API', `the Kubernetes API answered ${status}: ${message}`);
    this.status = status;
    this.retryAfter = retryAfter;
    this.ahead = ahead;
  }

  /** Of what a `Status` object says. Anything else makes an error as well. */
  static of(value: unknown, status = 0, retryAfter: string | undefined = undefined): ApiError {
    const { code, message, details } = (value ?? {}) as StatusObject;
    const seconds = Number(retryAfter ?? details?.retryAfterSeconds ?? 0);
    return new ApiError(
      status || (code ?? 500),
      message ?? 'no reason given',
      seconds > 0 ? seconds * 1_000 : 0,
      details?.causes?.some(({ reason }) => reason === 'ResourceVersionTooLarge'),
    );
  }

  /** The history that the request built on is gone. */
  get expired(): boolean {
    return this.status === 410;
  }

  /** Asking again soon won't help: no right to read it, or no such API. */
  get refused(): boolean {
    return this.status === 403 || this.status === 404;
  }
}

interface StatusObject {
  code?: number;
  message?: string;
  details?: { retryAfterSeconds?: number; causes?: readonly { reason?: string }[] };
}
