import { channel } from 'node:diagnostics_channel';
import { constants } from 'node:os';
import { UNRESPONSIVE } from '../../core/base/errors.ts';
import type { RetryReason } from '../../core/calls/settings.ts';
import { isIdempotent, isSaid } from '../common/idempotent.ts';
import { releaseHeld } from './held-writes.ts';
import { failWrites, type NodeRequest, requestHeader } from './node-http.ts';

/** The codes of errors for a connection that ended, with a message from the peer or without. */
const RESETS = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH']);

/**
 * The reason for which a request may be sent again, when its socket ends with this error or without one. None if this
 * side ended the socket.
 */
export function reasonOf(error: Error | undefined): RetryReason | undefined {
  if (error === undefined) return 'reset';
  const { code = '', syscall } = error as NodeJS.ErrnoException;
  if (code === UNRESPONSIVE) return 'unresponsive';
  // A caller may end the socket with any error.
  return RESETS.has(code) && syscall !== undefined ? 'reset' : undefined;
}

/** Whether a server may execute a request twice without harm. */
export function isRepeatable(request: NodeRequest): boolean {
  return (
    isIdempotent(request.method) ||
    isSaid(requestHeader(request, 'idempotency-key')) ||
    isSaid(requestHeader(request, 'x-idempotency-key'))
  );
}

/** Node's error for a socket that ended before a response. */
export function hangUp(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}

/**
 * The error of a request without a socket whose caller ends it, if Node's agents would have given it a socket by then.
 * Node has an error for `destroy()`; for `abort()` it has one only with a socket.
 */
function errorOfAbort({ aborted }: NodeRequest): Error | undefined {
  return aborted ? hangUp() : undefined;
}

/**
 * The error of a request whose connection can't be made. With Node's agents, TLS gets what the request has to send
 * before the handshake. So if the handshake fails, Node usually says that the write failed.
 */
function errorOfDial(request: NodeRequest, error: Error): Error {
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (!code.startsWith('ERR_SSL_') || request.outputData.length === 0) return error;
  const errno = -constants.errno.EPROTO;
  const failed = new Error(`write EPROTO ${message}`, { cause: error });
  return Object.assign(failed, { errno, code: 'EPROTO', syscall: 'write' });
}

/**
 * Ends a request that has no socket, with an error or for its caller's reason. After that, callbacks of its writes are
 * called.
 */
export function endUnsent(request: NodeRequest, error?: Error): void {
  releaseHeld(request);
  request.onSocket(null, error);
  if (request.outputData.length > 0) process.nextTick(failWrites, request, error ?? hangUp());
}

/** Ends a request that waited for its connection, with an error; or with its caller's error, if the caller has ended it. */
export function endUnconnected(request: NodeRequest, error = hangUp()): void {
  endUnsent(request, request.destroyed ? errorOfAbort(request) : errorOfDial(request, error));
}

const requestStart = channel('http.client.request.start');

/**
 * Publishes that a request starts, although its connection can't be made. Node publishes this when a complete request
 * has a socket, connected or not.
 */
export function publishStart(request: NodeRequest): void {
  if (request.finished) requestStart.publish({ request });
}
