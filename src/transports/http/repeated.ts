import { replaceMethod } from '../common/own-method.ts';
import type { NodeRequest } from './node-http.ts';

/** What listeners for a request's socket may do to the request. They have done it for its first socket. */
const SAID_BEFORE = [
  'addTrailers',
  'appendHeader',
  'end',
  'flushHeaders',
  'removeHeader',
  'setHeader',
  'setHeaders',
  'setTimeout',
  'write',
];

/**
 * Calls listeners with another socket of a request. What they do to the request then has no effect, because they have
 * done it before.
 */
export function tellAgain(request: NodeRequest, tell: () => boolean): boolean {
  const restores = SAID_BEFORE.map((name) =>
    replaceMethod(request, name, name === 'write' ? () => true : () => request),
  );
  try {
    return tell();
  } finally {
    for (const restore of restores) restore();
  }
}
