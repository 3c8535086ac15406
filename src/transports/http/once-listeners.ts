import { interceptNext } from './next-event.ts';
import type { NodeRequest, NodeSocket } from './node-http.ts';

type Listener = (...args: unknown[]) => void;

/**
 * Those who listen once for a request's socket, for a request that has more than one after the other: whoever checks the
 * certificate of its connection does so on each.
 */
class OnceListeners {
  readonly #request: NodeRequest;
  readonly #listeners: Listener[];

  constructor(request: NodeRequest) {
    this.#request = request;
    this.#listeners = request.rawListeners('socket').filter(isOnce).map(plain);
  }

  /** Has them listen again, but for those who do. */
  restore(): void {
    const listeners = this.#request.rawListeners('socket').map(plain);
    for (const listener of this.#listeners) {
      if (!listeners.includes(listener)) this.#request.once('socket', listener);
    }
  }
}

const known = new WeakMap<NodeRequest, OnceListeners>();

/** Those of a request, which hasn't told of a socket when this is first asked. */
export function onceListenersOf(request: NodeRequest): OnceListeners {
  let listeners = known.get(request);
  if (listeners === undefined) {
    listeners = new OnceListeners(request);
    known.set(request, listeners);
  }
  return listeners;
}

/**
 * Has a request's new socket say what its TLS would have said, had it not been connected before: who checks certificates by
 * themselves do so then, before anything is written.
 */
export function announceTls(request: NodeRequest): void {
  onceListenersOf(request).restore();
  interceptNext(request, 'socket', (pass, socket) => {
    const isHeard = pass();
    (socket as NodeSocket).emit('secureConnect');
    return isHeard;
  });
}

/** A listener as it was given, which Node wraps if it is to be called once. */
function plain(listener: unknown): Listener {
  return (listener as { listener?: Listener }).listener ?? (listener as Listener);
}

function isOnce(listener: unknown): boolean {
  return plain(listener) !== listener;
}
