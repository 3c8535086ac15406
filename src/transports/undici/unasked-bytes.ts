import type { Socket } from 'node:net';
import type { Client } from 'undici';
import { queueMicrotask } from '../../core/base/clock.ts';
import type { WireEvents } from '../../core/connections/wire.ts';
import { endsServed, isServed } from '../common/unasked.ts';
import { isBadResponse, isUpgrade } from './undici.ts';

/**
 * Looks at what comes on an HTTP/1.1 connection while its Client has no request on it. The Client ends the connection
 * for any byte, and doesn't say whether that was a response that nobody had asked for, or an honest 408.
 *
 * Such a response may also come in one chunk with the one before it. So each chunk is looked at, after the Client has
 * read it. That costs something, so it begins when a connection of the service has ended in this way.
 */
export class UnaskedBytes {
  readonly #socket: Socket;
  readonly #client: Client;
  readonly #events: Pick<WireEvents, 'retire'>;

  /** @param client has just connected with `socket` */
  constructor(socket: Socket, client: Client, suspicion: Suspicion, events: Pick<WireEvents, 'retire'>) {
    this.#socket = socket;
    this.#client = client;
    this.#events = events;
    suspicion.join(this);
    client.on('disconnect', (_origin, _targets, error) => {
      suspicion.leave(this);
      // After an upgrade, the socket is the caller's.
      if (isUpgrade(error)) socket.off('data', this.#onData);
      else if (isBadResponse(error)) suspicion.raise();
    });
  }

  /** The Client calls `read`, which emits `data`. A listener changes nothing about the flow while others hear 'readable'. */
  listen(): void {
    this.#socket.on('data', this.#onData);
  }

  readonly #onData = (chunk: Buffer): void => {
    // A Client waits for a turn before it writes a request to a used connection. Until then, the request isn't running.
    if (this.#client.stats.running > 0) queueMicrotask(() => this.#lookBehind(chunk));
    else if (isServed(chunk)) this.#events.retire('unasked-response');
  };

  /** The Client has read a chunk with the response that was asked for. Its caller doesn't know yet. */
  #lookBehind(chunk: Buffer): void {
    const { errored } = this.#socket;
    if (errored && isBadResponse(errored) && endsServed(chunk)) this.#events.retire('unasked-response');
  }
}

/** Whether any connection of a service has ended because of bytes for which there was no request. */
export class Suspicion {
  #isRaised = false;
  readonly #waiting = new Set<UnaskedBytes>();

  join(bytes: UnaskedBytes): void {
    if (this.#isRaised) bytes.listen();
    else this.#waiting.add(bytes);
  }

  leave(bytes: UnaskedBytes): void {
    this.#waiting.delete(bytes);
  }

  raise(): void {
    this.#isRaised = true;
    for (const bytes of this.#waiting) bytes.listen();
    this.#waiting.clear();
  }
}
