import { EvenkeelError } from '../../core/base/errors.ts';

/** Node's codes that connect-node reads as an unreachable host: `Code.Unavailable`. */
const UNREACHABLE = ['ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED'];
/** The code that connect-node reads as a broken connection: `Code.Aborted`. All other codes are internal errors. */
const BROKEN = 'ECONNRESET';

/** What connect-node makes of an error, by the codes in it and in its causes. */
export type Meaning = 'Aborted' | 'Unavailable' | 'Internal';

export function meaningOf(error: Error): Meaning {
  const codes = codesIn(error);
  if (codes.includes(BROKEN)) return 'Aborted';
  return UNREACHABLE.some((code) => codes.includes(code)) ? 'Unavailable' : 'Internal';
}

/**
 * The error that connect-node should get. If evenkeel itself found no pod, connect-node gets Node's code for that, and
 * reports `Code.Unavailable`, as if it could not connect. It would report any other code as `Code.Internal`.
 */
export function nodeReason(error: Error): Error {
  if (!(error instanceof EvenkeelError) || meaningOf(error) !== 'Internal') return error;
  return Object.assign(new Error(error.message, { cause: error }), { code: 'ETIMEDOUT' });
}

function codesIn(error: Error): unknown[] {
  const codes: unknown[] = [];
  // A chain of causes may be a circle.
  for (let cause: unknown = error; cause instanceof Error && codes.length < 8; cause = cause.cause) {
    codes.push((cause as NodeJS.ErrnoException).code);
  }
  return codes;
}
