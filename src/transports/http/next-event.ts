import { replaceMethod } from '../common/own-method.ts';
import type { NodeRequest } from './node-http.ts';

/**
 * The next time that a request emits an event, `handle` is called first. Listeners are called when `handle` calls
 * `pass`.
 */
export function interceptNext(
  request: NodeRequest,
  name: string,
  handle: (pass: () => boolean, argument: unknown) => boolean,
): void {
  const { emit } = request;
  let isOver = false;
  const intercept = (event: string | symbol, ...args: unknown[]): boolean => {
    const pass = () => Reflect.apply(emit, request, [event, ...args]) as boolean;
    if (isOver || event !== name) return pass();
    isOver = true;
    // If other code has wrapped it meanwhile, it keeps calling this one.
    if (request.emit === intercept) restore();
    return handle(pass, args[0]);
  };
  const restore = replaceMethod(request, 'emit', intercept);
}

/** Calls `fn` while no listener hears what the request emits. */
export function muted(request: NodeRequest, fn: () => void): void {
  const restore = replaceMethod(request, 'emit', () => true);
  try {
    fn();
  } finally {
    restore();
  }
}
