import type { NodeRequest } from './node-http.ts';

type Listener = (...args: unknown[]) => void;

/**
 * Those who listen once for a request's socket, for a request that has more than one after the other: whoever checks the
 * certificate of its connection does so on each.
 */
export class OnceListeners {
  readonly #request: NodeRequest;
  readonly #listeners: Listener[];

  /** Before they hear of the first. */
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

/** A listener as it was given, which Node wraps if it is to be called once. */
function plain(listener: unknown): Listener {
  return (listener as { listener?: Listener }).listener ?? (listener as Listener);
}

function isOnce(listener: unknown): boolean {
  return plain(listener) !== listener;
}
