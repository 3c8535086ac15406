import { interceptNext } from './next-event.ts';
import type { NodeRequest, NodeSocket } from './node-http.ts';

type Listener = (...args: unknown[]) => void;

/**
 * The once-listeners for a request's socket, if the request has several sockets one after another. Callers check the
 * certificate in such a listener, and must do so for each connection.
 */
class OnceListeners {
  readonly #request: NodeRequest;
  readonly #listeners: Listener[];

  constructor(request: NodeRequest) {
    this.#request = request;
    this.#listeners = request.rawListeners('socket').filter(isOnce).map(plain);
  }

  /** Makes them listen again, except those that still do. */
  restore(): void {
    const listeners = this.#request.rawListeners('socket').map(plain);
    for (const listener of this.#listeners) {
      if (!listeners.includes(listener)) this.#request.once('socket', listener);
    }
  }
}

const known = new WeakMap<NodeRequest, OnceListeners>();

/** The once-listeners of a request. The first call must come before the request has emitted `'socket'`. */
export function onceListenersOf(request: NodeRequest): OnceListeners {
  let listeners = known.get(request);
  if (listeners === undefined) {
    listeners = new OnceListeners(request);
    known.set(request, listeners);
  }
  return listeners;
}

/**
 * Makes a request's new socket emit what TLS would have emitted if the socket weren't connected already. So callers
 * that check certificates do so before anything is written.
 */
export function announceTls(request: NodeRequest): void {
  onceListenersOf(request).restore();
  interceptNext(request, 'socket', (pass, socket) => {
    const isHeard = pass();
    (socket as NodeSocket).emit('secureConnect');
    return isHeard;
  });
}

/** The listener as it was given. Node wraps a once-listener. */
function plain(listener: unknown): Listener {
  return (listener as { listener?: Listener }).listener ?? (listener as Listener);
}

function isOnce(listener: unknown): boolean {
  return plain(listener) !== listener;
}
