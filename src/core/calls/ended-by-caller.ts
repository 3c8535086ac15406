import type { Call } from './call.ts';

/** Whether the caller ended the call after the head of a response below 500, and not because of a timeout. */
export function hadEnough({ statusCode, reason }: Call): boolean {
  if (reason === null || isTimeout(reason) || isTimeout(reason.cause)) return false;
  return statusCode >= 200 && statusCode < 500;
}

/**
 * Whether a call that its caller has ended was sent, and all that is missing is the response. A call with a key, and one
 * that lasts, goes to an endpoint whatever its load.
 */
export function isUnanswered(call: Call): boolean {
  if (call.statusCode !== 0 || call.keyHash >= 0 || call.lasting) return false;
  return call.reason !== null && call.isHandedOver;
}

/** With `AbortSignal.timeout`, the error of node:http has this one as its cause. */
function isTimeout(error: unknown): boolean {
  return (error as Error | undefined)?.name === 'TimeoutError';
}
