import { EvenkeelError } from '../../base/errors.ts';

/** An answer of the Kubernetes API, before its body is read. */
export interface ApiResponse {
  readonly status: number;
  /** The value of `Retry-After`, if there was one. */
  readonly retryAfter: string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * A way to the Kubernetes API, which authenticates this process. `get` rejects if no answer comes or `signal` aborts.
 * Nothing that it opens keeps the process alive.
 */
export interface ApiTransport {
  /** The namespace for names without one. */
  readonly namespace: string | undefined;
  get(path: string, signal: AbortSignal): Promise<ApiResponse>;
}

/** A way that can also send questions that are written as objects. */
export interface AskingTransport extends ApiTransport {
  /** Sends `body` as JSON. */
  post(path: string, body: object, signal: AbortSignal): Promise<ApiResponse>;
}

/** The Kubernetes API refused: the status wasn't 200, or a watch got an ERROR event. */
export class ApiError extends EvenkeelError {
  override name = 'ApiError';
  readonly status: number;
  /** How many milliseconds the server asks to wait; 0 if it doesn't say. */
  readonly retryAfter: number;
  /** Whether the server doesn't have the requested version yet. It may never have it, if its history is another one now. */
  readonly ahead: boolean;

  constructor(status: number, message: string, retryAfter = 0, ahead = false) {
    super('EVENKEEL_KUBERNETES_API', `the Kubernetes API answered ${status}: ${message}`);
    this.status = status;
    this.retryAfter = retryAfter;
    this.ahead = ahead;
  }

  /** Makes an error of what a `Status` object says, or of anything else. */
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

  /** Whether the version on which the request was based is gone. */
  get expired(): boolean {
    return this.status === 410;
  }

  /** Whether asking again soon is useless: there is no right to read this, or no such API. */
  get refused(): boolean {
    return this.status === 403 || this.status === 404;
  }
}

interface StatusObject {
  code?: number;
  message?: string;
  details?: { retryAfterSeconds?: number; causes?: readonly { reason?: string }[] };
}
