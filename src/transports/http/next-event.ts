import type { NodeRequest } from './node-http.ts';
import { putBack } from './own-property.ts';

/**
 * The next time that a request emits an event, `handle` is called first. Listeners are called when `handle` calls
 * `pass`.
 */
export function interceptNext(
  request: NodeRequest,
  name: string,
  handle: (pass: () => boolean, argument: unknown) => boolean,
): void {
  // Tracers may have replaced `emit` on the request.
  const own = Object.getOwnPropertyDescriptor(request, 'emit');
  const { emit } = request;
  let isOver = false;
  const intercept = (event: string | symbol, ...args: unknown[]): boolean => {
    const pass = () => Reflect.apply(emit, request, [event, ...args]) as boolean;
    if (isOver || event !== name) return pass();
    isOver = true;
    // If other code has wrapped it meanwhile, it keeps calling this one.
    if (request.emit === intercept) putBack(request, 'emit', own);
    return handle(pass, args[0]);
  };
  request.emit = intercept;
}

/** Calls `fn` while no listener hears what the request emits. */
export function muted(request: NodeRequest, fn: () => void): void {
  // Tracers may have replaced `emit` on the request.
  const own = Object.getOwnPropertyDescriptor(request, 'emit');
  request.emit = () => true;
  try {
    fn();
  } finally {
    putBack(request, 'emit', own);
  }
}
