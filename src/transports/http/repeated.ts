import type { NodeRequest } from './node-http.ts';

/** What listeners for a request's socket say to the request: they have done so when they heard of its first one. */
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

/** Has listeners hear of another socket of a request by `tell`: what they say to the request then was said before. */
export function tellAgain(request: NodeRequest, tell: () => boolean): boolean {
  const target = request as unknown as Record<string, unknown>;
  const own = SAID_BEFORE.map((name) => [name, Object.getOwnPropertyDescriptor(target, name)] as const);
  for (const name of SAID_BEFORE) target[name] = name === 'write' ? () => true : () => request;
  try {
    return tell();
  } finally {
    for (const [name, descriptor] of own) {
      if (descriptor === undefined) Reflect.deleteProperty(target, name);
      else Object.defineProperty(target, name, descriptor);
    }
  }
}
