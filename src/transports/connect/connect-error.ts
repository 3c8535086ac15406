import { meaningOf, nodeReason } from './node-reason.ts';

type Connect = Pick<typeof import('@connectrpc/connect'), 'Code' | 'ConnectError'>;

const PACKAGE = '@connectrpc/connect';

let connect: Connect | undefined;

/**
 * Finds connect's error class, which an app with connect-node has loaded. Any copy will do, because connect recognises
 * its errors by their fields. Without it, errors stay those of Node and of evenkeel.
 */
export async function findConnect(): Promise<void> {
  try {
    connect ??= loadedForCommonJs() ?? (await import('@connectrpc/connect'));
  } catch {
    // connect isn't installed.
  }
}

/** If the app has loaded the CommonJS copy, loading the other one would take a tenth of a second for nothing. */
function loadedForCommonJs(): Connect | undefined {
  const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);
  return require.cache[require.resolve(PACKAGE)]?.exports as Connect | undefined;
}

/** An error in the form that connect-node's own session manager gives it: one of connect's, with Node's as its cause. */
export function connectErrorOf(error: Error): Error {
  if (connect === undefined) return error;
  const { Code, ConnectError } = connect;
  const reason = nodeReason(error);
  const told = ConnectError.from(reason, Code[meaningOf(reason)]);
  if (told !== reason) told.cause = reason;
  return told;
}

/** Whether an error says that somebody ended the call on purpose. */
export function isCancellation(error: Error): boolean {
  return error.name === 'AbortError' || (error as { code?: unknown }).code === 1;
}

/** An error that says so. connect-node also recognises the name AbortError. */
export function cancellation(message: string): Error {
  if (connect === undefined) return new DOMException(message, 'AbortError');
  return new connect.ConnectError(message, connect.Code.Canceled);
}
