import { EvenkeelError } from '../../core/base/errors.ts';

/** The codes of Node's that connect-node takes for something else than an internal error. */
const KNOWN = new Set(['ECONNREFUSED', 'ECONNRESET', 'EAI_AGAIN', 'ENOTFOUND', 'ETIMEDOUT']);

/**
 * An error as connect-node is to be told of it. What evenkeel itself has to say means that no pod was there: connect-node
 * takes Node's code for that to be `Code.Unavailable`, as it does when it can't connect, and any other to be `Code.Internal`.
 */
export function nodeReason(error: Error): Error {
  if (!(error instanceof EvenkeelError) || isKnown(error)) return error;
  return Object.assign(new Error(error.message, { cause: error }), { code: 'ETIMEDOUT' });
}

/** Whether connect-node finds a code that it knows, in the error or in its causes. */
function isKnown(error: Error): boolean {
  for (let cause: unknown = error, n = 0; cause instanceof Error && n < 8; cause = cause.cause, n++) {
    if (KNOWN.has((cause as NodeJS.ErrnoException).code ?? '')) return true;
  }
  return false;
}

/** connect-node takes errors of this name to be `Code.Canceled`. */
export function canceled(message: string): Error {
  return new DOMException(message, 'AbortError');
}
