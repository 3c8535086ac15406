import type { Socket } from 'node:net';
import type { Target } from '../../core/connections/transport.ts';

/**
 * What TLS has agreed on with endpoints, for later connections to take up. There is one for each: pods don't share the keys
 * of their tickets. That of a connection counts once a request was served on it, as callers may check certificates by
 * themselves.
 */
export class TlsSessions {
  readonly #known = new WeakMap<Target, Buffer>();
  /** Of connections that no request has trusted yet. */
  readonly #untrusted = new WeakMap<Socket, Buffer | undefined>();

  of(target: Target): Buffer | undefined {
    return this.#known.get(target);
  }

  /** From before its handshake: Node tells of sessions only if somebody listens then. */
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
