import { meaningOf, nodeReason } from './node-reason.ts';

type Connect = Pick<typeof import('@connectrpc/connect'), 'Code' | 'ConnectError'>;

const PACKAGE = '@connectrpc/connect';

let connect: Connect | undefined;

/**
 * Finds the class of connect's errors, which an app that uses connect-node has loaded. Which copy it is doesn't matter: connect knows
 * its errors by what they have. Without it, errors stay those of Node and of evenkeel.
 */
export async function findConnect(): Promise<void> {
  try {
    connect ??= loadedForCommonJs() ?? (await import('@connectrpc/connect'));
  } catch {
    // There is none.
  }
}

/** Where an app has loaded that copy, it would take a tenth of a second to load the other one for nothing. */
function loadedForCommonJs(): Connect | undefined {
  const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);
  return require.cache[require.resolve(PACKAGE)]?.exports as Connect | undefined;
}

/** An error as connect-node's own session manager tells it: one of connect's, with Node's for its cause. */
export function connectErrorOf(error: Error): Error {
  if (connect === undefined) return error;
  const { Code, ConnectError } = connect;
  const reason = nodeReason(error);
  const told = ConnectError.from(reason, Code[meaningOf(reason)]);
  if (told !== reason) told.cause = reason;
  return told;
}

/** Whether an error says that somebody wanted the end. */
export function isCancellation(error: Error): boolean {
  return error.name === 'AbortError' || (error as { code?: unknown }).code === 1;
}

/** An error that says so. connect-node takes one of the name AbortError for that, too. */
export function cancellation(message: string): Error {
  if (connect === undefined) return new DOMException(message, 'AbortError');
  return new connect.ConnectError(message, connect.Code.Canceled);
}
