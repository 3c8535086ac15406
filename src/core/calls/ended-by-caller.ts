import type { Call } from './call.ts';

/** The name of errors for a time that is over. */
const TIMEOUT = 'TimeoutError';

/** Whether the caller ended the call after the head of a response below 500, and not because of a timeout. */
export function hadEnough({ statusCode, reason }: Call): boolean {
  if (reason === null || isTimeout(reason)) return false;
  return statusCode >= 200 && statusCode < 500;
}

/**
 * Whether a call that its caller has ended was sent, and all that is missing is the response. One that lasts goes to an
 * endpoint whatever its load.
 */
export function isUnanswered(call: Call): boolean {
  if (call.statusCode !== 0 || call.lasting) return false;
  return call.reason !== null && call.isHandedOver;
}

/**
 * Whether a caller has ended a call with this error because its time is over: clients such as got do so themselves, and
 * node:http does so for `AbortSignal.timeout`, with an error whose cause says it.
 */
export function isTimeout(error: Error | null | undefined): boolean {
  return nameOf(error) === TIMEOUT || nameOf(error?.cause) === TIMEOUT;
}

function nameOf(error: unknown): unknown {
  return (error as { name?: unknown } | null | undefined)?.name;
}
