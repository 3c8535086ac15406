import type { Connection, Pod } from './connection.ts';
import type { Unacknowledged } from './unacknowledged.ts';

/** What was heard on a connection while something was expected. */
interface Heard {
  bytes: number;
  /** Looks without one more. */
  silent: number;
}

/**
 * Notices connections of HTTP/2 that have been reset without Node's knowing. Over TLS, its session waits for ever
 * for a write that has failed with a reset, and reads nothing meanwhile: neither the reset nor anything else. So the
 * kernel is asked whether it still has a connection that says nothing. Where that isn't Linux, it is not known.
 */
export class LostSockets {
  readonly #heard = new WeakMap<Connection, Heard>();
  readonly #patience: number;
  #suspects: Connection[] = [];

  /** @param patience looks without a byte before the first question; after each, it is twice as many */
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

  /** Ends those that the kernel knows nothing of. What it knows at all, it knows of all that are there. */
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
