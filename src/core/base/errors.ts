/** An error of evenkeel's own. Its `code` never changes. Errors of undici and of the network arrive as they are. */
export class EvenkeelError extends Error {
  override name = 'EvenkeelError';
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** No endpoint took the request in time. `cause` is the last failure, if there was one. */
export class NoEndpointsError extends EvenkeelError {
  override name = 'NoEndpointsError';

  constructor(message: string, options?: ErrorOptions) {
    super('EVENKEEL_NO_ENDPOINTS', message, options);
  }
}

/** As many requests as `maxPendingRequests` allows already wait for the service. */
export class QueueFullError extends EvenkeelError {
  override name = 'QueueFullError';

  constructor(message: string) {
    super('EVENKEEL_QUEUE_FULL', message);
  }
}

/** A resolver yielded something that is not a set of endpoints. */
export class ResolverError extends EvenkeelError {
  override name = 'ResolverError';

  constructor(message: string, options?: ErrorOptions) {
    super('EVENKEEL_RESOLVER', message, options);
  }
}

/** The code of the error for a request whose connection ended before the request was sent. */
export const CONNECTION_GONE = 'EVENKEEL_CONNECTION_GONE';

/** The code of the error for a request whose endpoint no longer answers. */
export const UNRESPONSIVE = 'EVENKEEL_UNRESPONSIVE';

/** A retired connection did not finish its requests within `drainTimeout`. */
export class DrainTimeoutError extends EvenkeelError {
  constructor(drainTimeout: number) {
    super('EVENKEEL_DRAIN_TIMEOUT', `the connection did not drain within ${drainTimeout} ms`);
  }
}

/** An endpoint no longer answers, or what leads to it. */
export class UnresponsiveError extends EvenkeelError {
  constructor(message: string) {
    super(UNRESPONSIVE, message);
  }
}
