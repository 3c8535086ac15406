/** Something evenkeel itself has to say. `code` is stable; errors of undici's pass through as they are. */
export class EvenkeelError extends Error {
  override name = 'EvenkeelError';
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** No endpoint could take the request in time. `cause` is the last failure on the way, if any. */
export class NoEndpointsError extends EvenkeelError {
  override name = 'NoEndpointsError';

  constructor(message: string, options?: ErrorOptions) {
    super('EVENKEEL_NO_ENDPOINTS', message, options);
  }
}

/** More requests wait for the service than `maxPendingRequests` allows. */
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
