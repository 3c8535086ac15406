import type { Socket } from 'node:net';

/** Told of a socket whose TCP connection is there, so that only TLS is missing. */
type OnTcp = (socket: Socket) => void;

/** The dials of a service that wait for TLS, for requests that have no other socket yet. */
export class Handshakes {
  readonly #sockets = new Set<Socket>();
  readonly #waiting = new Set<OnTcp>();

  follow(socket: Socket): void {
    const end = () => {
      this.#sockets.delete(socket);
      socket.off('secureConnect', end).off('close', end);
    };
    socket.once('connect', () => {
      this.#sockets.add(socket);
      for (const onTcp of this.#waiting) onTcp(socket);
      this.#waiting.clear();
    });
    socket.on('secureConnect', end).on('close', end);
  }

  /** Tells of one that is under way, or of the next. */
  await(onTcp: OnTcp): void {
    const [socket] = this.#sockets;
    if (socket !== undefined) onTcp(socket);
    else this.#waiting.add(onTcp);
  }

  forget(onTcp: OnTcp): void {
    this.#waiting.delete(onTcp);
  }
}
