import type { Dispatcher } from 'undici';
import { isLegacy, type LegacyHandler, normalizeLegacyOptions, pauses } from './handlers.ts';
import { asksForRedirects, followRedirects } from './redirects.ts';

type Handler = Dispatcher.DispatchHandler;
type Headers = Parameters<NonNullable<Handler['onResponseStart']>>[2];

export type Interceptor = Dispatcher.DispatcherComposeInterceptor;

/**
 * What `compose` gets, made ready for callers of undici 6 and 7, such as built-in `fetch` on Node.js 22 and 24. Most
 * interceptors call handlers of the new kind only. So between them, a handler of the older kind gets the methods of both
 * kinds, as from undici 7's own `compose`; undici 8's has lost that.
 */
export function forBothKinds(given: readonly (Interceptor | readonly Interceptor[])[]): Interceptor[] {
  const interceptors = (Array.isArray(given[0]) ? given[0] : given) as readonly (Interceptor | null)[];
  return interceptors.flatMap((interceptor) => (interceptor == null ? [] : [interceptor, widen]));
}

const widen: Interceptor = (dispatch) => {
  const widened: Dispatcher['dispatch'] = (options, handler) => {
    if (!handler || typeof handler !== 'object' || !isLegacy(handler)) return dispatch(options, handler);
    if (asksForRedirects(options)) return followRedirects({ dispatch: widened }, options, handler);
    // Older callers fail over HTTP/2: https://github.com/nodejs/undici/issues/4989
    const http1: object = { ...normalizeLegacyOptions(options), allowH2: false };
    return dispatch(http1 as Dispatcher.DispatchOptions, bothKinds(handler));
  };
  return widened;
};

/**
 * A handler of the older kind that can be called as either kind. Its methods are its own and need no `this`, because
 * interceptors spread handlers, and inherit from them.
 */
function bothKinds(handler: LegacyHandler): Handler & LegacyHandler {
  return {
    onRequestStart: (controller, context) =>
      handler.onConnect((reason) => controller.abort(reason as Error), context),
    onRequestUpgrade: (_controller, statusCode, headers, socket) =>
      handler.onUpgrade?.(statusCode, rawOf(headers), socket),
    onResponseStart(controller, statusCode, headers, message) {
      const resume = () => controller.resume();
      const goesOn = handler.onHeaders?.(statusCode, rawOf(headers), resume, message);
      if (pauses(goesOn, statusCode)) controller.pause();
    },
    onResponseData(controller, chunk) {
      if (handler.onData?.(chunk) === false) controller.pause();
    },
    onResponseEnd: (_controller, trailers) => handler.onComplete?.(rawOf(trailers)),
    onResponseError: (_controller, error) => handler.onError(error),
    onConnect: (abort, context) => handler.onConnect(abort, context),
    onUpgrade: (statusCode, headers, socket) => handler.onUpgrade?.(statusCode, headers, socket),
    onHeaders: (statusCode, headers, resume, message) =>
      handler.onHeaders?.(statusCode, headers, resume, message) ?? true,
    onData: (chunk) => handler.onData?.(chunk) ?? true,
    onComplete: (trailers) => handler.onComplete?.(trailers),
    onError: (error) => handler.onError(error),
    onBodySent: (chunk) => handler.onBodySent?.(chunk),
    onRequestSent: () => handler.onRequestSent?.(),
    onResponseStarted: () => handler.onResponseStarted?.(),
  };
}

/** Not the controller's raw headers, because an interceptor may have changed these. */
function rawOf(headers: Headers | undefined): Buffer[] {
  return Object.entries(headers ?? {}).flatMap(([name, value = '']) =>
    [value].flat().flatMap((entry) => [Buffer.from(name, 'latin1'), Buffer.from(`${entry}`, 'latin1')]),
  );
}
