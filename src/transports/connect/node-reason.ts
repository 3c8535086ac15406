import { EvenkeelError } from '../../core/base/errors.ts';

/** The codes of Node's that connect-node takes for a host that can't be reached: `Code.Unavailable`. */
const UNREACHABLE = ['ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED'];
/** The code that it takes for a connection that broke: `Code.Aborted`. Any other is an internal error. */
const BROKEN = 'ECONNRESET';

/** What connect-node makes of an error, by the codes in it and in its causes. */
export type Meaning = 'Aborted' | 'Unavailable' | 'Internal';

export function meaningOf(error: Error): Meaning {
  const codes = codesIn(error);
  if (codes.includes(BROKEN)) return 'Aborted';
  return UNREACHABLE.some((code) => codes.includes(code)) ? 'Unavailable' : 'Internal';
}

/**
 * An error as connect-node is to be told of it. What evenkeel itself has to say means that no pod was there: connect-node
 * takes Node's code for that to be `Code.Unavailable`, as it does when it can't connect, and any other to be `Code.Internal`.
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
