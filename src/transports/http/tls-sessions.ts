import type { Socket } from 'node:net';
import type { Target } from '../../core/connections/transport.ts';

/**
 * The TLS session of each endpoint, which later connections resume. Pods don't share the keys of their tickets, so
 * there is one for each. A session counts after a request was served on its connection, because callers may check
 * certificates themselves.
 */
export class TlsSessions {
  readonly #known = new WeakMap<Target, Buffer>();
  /** Sessions of connections that no request has trusted yet. */
  readonly #untrusted = new WeakMap<Socket, Buffer | undefined>();

  of(target: Target): Buffer | undefined {
    return this.#known.get(target);
  }

  /** Call this before the handshake: Node tells of sessions only if somebody listens then. */
  watch(socket: Socket, target: Target): void {
    this.#untrusted.set(socket, undefined);
    socket.on('session', (session: Buffer) => {
      if (this.#untrusted.has(socket)) this.#untrusted.set(socket, session);
      else this.#known.set(target, session);
    });
  }

  /** A request was served. */
  trust(socket: Socket, target: Target): void {
    const session = this.#untrusted.get(socket);
    this.#untrusted.delete(socket);
    if (session !== undefined) this.#known.set(target, session);
  }
}
