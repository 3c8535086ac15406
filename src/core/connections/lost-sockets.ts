import type { Connection, Pod } from './connection.ts';
import type { Unacknowledged } from './unacknowledged.ts';

/** What was heard on a connection while it owed a response. */
interface Heard {
  bytes: number;
  /** How many looks have passed without a new byte. */
  silent: number;
}

/**
 * Notices HTTP/2 connections that were reset without Node noticing. Over TLS, Node's session waits for ever for a write
 * that has failed with a reset, and reads nothing meanwhile, not even the reset. So the kernel is asked whether a
 * silent connection still exists. Only Linux can tell.
 */
export class LostSockets {
  readonly #heard = new WeakMap<Connection, Heard>();
  readonly #patience: number;
  #suspects: Connection[] = [];

  /** @param patience after how many silent looks the kernel is asked first; each time after that, twice as many */
  constructor(patience: number) {
    this.#patience = patience;
  }

  get hasSuspects(): boolean {
    return this.#suspects.length > 0;
  }

  look({ connections }: Pod): void {
    for (const connection of connections) if (connection.multiplexed) this.#lookAt(connection);
  }

  #lookAt(connection: Connection): void {
    const { busy } = connection;
    const { bytesRead: bytes } = connection.wire;
    const heard = this.#heard.get(connection);
    if (heard === undefined) {
      if (busy) this.#heard.set(connection, { bytes, silent: 0 });
      return;
    }
    heard.silent = !busy || heard.bytes !== bytes ? 0 : heard.silent + 1;
    heard.bytes = bytes;
    const questions = Math.log2(heard.silent / this.#patience);
    if (questions >= 0 && Number.isInteger(questions)) this.#suspects.push(connection);
  }

  /** Ends the suspects that the kernel doesn't know. If its table could be read at all, it has all connections. */
  judge(known: Unacknowledged): void {
    const suspects = this.#suspects;
    this.#suspects = [];
    if (known.size === 0) return;
    for (const connection of suspects) {
      const { ports, broken, bytesRead } = connection.wire;
      if (ports === undefined || known.has(ports) || broken || !connection.busy) continue;
      if (this.#heard.get(connection)?.bytes !== bytesRead) continue;
      connection.wire.lose();
    }
  }
}
