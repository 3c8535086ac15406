import type { Socket } from 'node:net';

const ENDINGS = ['end', 'error', 'close'];
/** How many bytes an HTTP/2 server may send before any request. Its SETTINGS take about a hundred. */
const MOST_HELD = 64 * 1024;

/**
 * Watches a connected socket that no undici Client reads yet, and tells when it is dead.
 *
 * If a server speaks first and closes, a parked HTTP/1.1 socket has no event, and `destroyed` is false. So any byte
 * means that it is dead. An HTTP/2 server does speak first: its SETTINGS hide the end behind them. So they are read,
 * and put back when the socket is handed over. A server that sends more than that counts as dead.
 */
export class Parking {
  readonly #socket: Socket;
  readonly #speaksFirst: boolean;
  readonly #onDead: () => void;
  readonly #held: Buffer[] = [];
  #size = 0;

  constructor(socket: Socket, speaksFirst: boolean, onDead: () => void) {
    this.#socket = socket;
    this.#speaksFirst = speaksFirst;
    this.#onDead = onDead;
    socket.on('readable', this.#onReadable);
    for (const event of ENDINGS) socket.on(event, onDead);
    // A connector may return any Duplex.
    socket.unref?.();
  }

  /** Lets go of the socket, as if nobody had read from it. */
  leave(): void {
    this.#socket.off('readable', this.#onReadable);
    for (const event of ENDINGS) this.#socket.off(event, this.#onDead);
    if (this.#held.length > 0) this.#socket.unshift(Buffer.concat(this.#held));
  }

  readonly #onReadable = (): void => {
    const chunk: Buffer | null = this.#socket.read();
    if (chunk === null) return;
    this.#size += chunk.length;
    this.#held.push(chunk);
    if (!this.#speaksFirst || this.#size > MOST_HELD) this.#onDead();
  };
}
