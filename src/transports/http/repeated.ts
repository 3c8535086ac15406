import type { NodeRequest } from './node-http.ts';
import { putBack } from './own-property.ts';

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
  const target = request as unknown as Record<string, unknown>;
  const own = SAID_BEFORE.map((name) => [name, Object.getOwnPropertyDescriptor(target, name)] as const);
  for (const name of SAID_BEFORE) target[name] = name === 'write' ? () => true : () => request;
  try {
    return tell();
  } finally {
    for (const [name, descriptor] of own) putBack(target, name, descriptor);
  }
}
