import type { NodeRequest } from './node-http.ts';

/**
 * Has `handle` take an event the next time that a request emits it. Those who listen hear of it once `handle` calls `pass`.
 */
export function interceptNext(
  request: NodeRequest,
  name: string,
  handle: (pass: () => boolean, argument: unknown) => boolean,
): void {
  // Tracers put one of their own on a request.
  const own = Object.getOwnPropertyDescriptor(request, 'emit');
  const { emit } = request;
  let isOver = false;
  const intercept = (event: string | symbol, ...args: unknown[]): boolean => {
    const pass = () => Reflect.apply(emit, request, [event, ...args]) as boolean;
    if (isOver || event !== name) return pass();
    isOver = true;
    // Whoever has wrapped it since goes on calling it.
    if (request.emit === intercept) {
      if (own === undefined) Reflect.deleteProperty(request, 'emit');
      else Object.defineProperty(request, 'emit', own);
    }
    return handle(pass, args[0]);
  };
  request.emit = intercept;
}
