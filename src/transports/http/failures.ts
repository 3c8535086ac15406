import { channel } from 'node:diagnostics_channel';
import { constants } from 'node:os';
import { UNRESPONSIVE } from '../../core/base/errors.ts';
import type { RetryReason } from '../../core/calls/settings.ts';
import { isIdempotent, isSaid } from '../common/idempotent.ts';
import { releaseHeld } from './held-writes.ts';
import { failWrites, type NodeRequest, requestHeader } from './node-http.ts';

/** What is said of a connection that has ended, with or without a word from the peer. */
const RESETS = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH']);

/** Why what was sent may be sent again, as its socket ends with that error, or without one; not if it was ended here. */
export function reasonOf(error: Error | undefined): RetryReason | undefined {
  if (error === undefined) return 'reset';
  const { code = '', syscall } = error as NodeJS.ErrnoException;
  if (code === UNRESPONSIVE) return 'unresponsive';
  // Its caller may end the socket with any error.
  return RESETS.has(code) && syscall !== undefined ? 'reset' : undefined;
}

/** Whether a request does no harm when it is executed twice. */
export function isRepeatable(request: NodeRequest): boolean {
  return (
    isIdempotent(request.method) ||
    isSaid(requestHeader(request, 'idempotency-key')) ||
    isSaid(requestHeader(request, 'x-idempotency-key'))
  );
}

/** What Node says of a socket that has ended before a response. */
export function hangUp(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}

/**
 * What a request without a socket fails with as its caller ends it, where one of Node's agents would have given it a socket by
 * then: Node has an error of its own for `destroy()`, and for `abort()` only with a socket.
 */
function errorOfAbort({ aborted }: NodeRequest): Error | undefined {
  return aborted ? hangUp() : undefined;
}

/**
 * What a request fails with whose connection can't be made. With Node's agents what the request has to send is given to TLS before that has
 * agreed on anything: of most that goes wrong, Node says that this write has failed.
 */
function errorOfDial(request: NodeRequest, error: Error): Error {
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (!code.startsWith('ERR_SSL_') || request.outputData.length === 0) return error;
  const errno = -constants.errno.EPROTO;
  const failed = new Error(`write EPROTO ${message}`, { cause: error });
  return Object.assign(failed, { errno, code: 'EPROTO', syscall: 'write' });
}

/** Ends a request that has no socket, with an error or for its caller's reason. Who waits for its writes is told after it has said so. */
export function endUnsent(request: NodeRequest, error?: Error): void {
  releaseHeld(request);
  request.onSocket(null, error);
  if (request.outputData.length > 0) process.nextTick(failWrites, request, error ?? hangUp());
}

/** Ends a request that waited for its connection, with an error, or with its own if its caller has ended it. */
export function endUnconnected(request: NodeRequest, error = hangUp()): void {
  endUnsent(request, request.destroyed ? errorOfAbort(request) : errorOfDial(request, error));
}

const requestStart = channel('http.client.request.start');

/**
 * Publishes that a request starts, whose connection can't be made: Node publishes each that has all to send, once it has a
 * socket, be that connected or not.
 */
export function publishStart(request: NodeRequest): void {
  if (request.finished) requestStart.publish({ request });
}
