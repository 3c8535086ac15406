/** An error of evenkeel's own. Its `code` never changes. Errors of undici and of the network are passed on as they are. */
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

/** As many requests as `maxPendingRequests` allows wait for the service already. */
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

/** The code of the error for a request whose connection ended before it was sent. */
export const CONNECTION_GONE = 'EVENKEEL_CONNECTION_GONE';

/** The code of the error for a request whose endpoint does not answer any more. */
export const UNRESPONSIVE = 'EVENKEEL_UNRESPONSIVE';

/** A connection was to take no more requests, and those that it had took longer than `drainTimeout`. */
export class DrainTimeoutError extends EvenkeelError {
  constructor(drainTimeout: number) {
    super('EVENKEEL_DRAIN_TIMEOUT', `the connection did not drain within ${drainTimeout} ms`);
  }
}

/** An endpoint, or what leads to it, does not answer any more. */
export class UnresponsiveError extends EvenkeelError {
  constructor(message: string) {
    super(UNRESPONSIVE, message);
  }
}
