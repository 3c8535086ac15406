import type { Socket } from 'node:net';

const ENDINGS = ['end', 'error', 'close'];
/** Bytes that an HTTP/2 server may say before anybody asks. Its SETTINGS take a hundred or so. */
const MOST_HELD = 64 * 1024;

/**
 * Watches over a connected socket that no undici Client reads from yet, and says when it is dead.
 *
 * A server that speaks first and closes leaves a parked HTTP/1.1 socket with no event and `destroyed`
 * false, so any byte means that it is dead. An HTTP/2 server does speak first: its SETTINGS hide the end
 * behind them, so they are read, and put back when the socket is handed over. One that pushes more than anybody
 * has asked for is as good as dead.
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
    // A connector may give any Duplex.
    socket.unref?.();
  }

  /** Gives the socket up, as if it had never been read from. */
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
