import type { Socket } from 'node:net';
import type { Client } from 'undici';
import { queueMicrotask } from '../../core/base/clock.ts';
import type { WireEvents } from '../../core/connections/wire.ts';
import { endsServed, isServed } from '../common/unasked.ts';
import { isBadResponse, isUpgrade } from './undici.ts';

/** What the wires of a service have in common. */
export interface Suspicion {
  /** Whether bytes have come for which there was no request. */
  raised: boolean;
}

/**
 * Looks at what comes on an HTTP/1.1 connection while its Client has no request on it. The Client ends the connection
 * for any byte, and doesn't say whether that was a response that nobody had asked for, or an honest 408.
 *
 * Such a response may also come in one chunk with the one before it. So once the service has sent bytes for which there
 * was no request, each chunk is looked at after the Client has read it.
 */
export class UnaskedBytes {
  readonly #socket: Socket;
  readonly #client: Client;
  readonly #suspicion: Suspicion;
  readonly #events: Pick<WireEvents, 'retire'>;

  /** @param client has just connected with `socket` */
  constructor(socket: Socket, client: Client, suspicion: Suspicion, events: Pick<WireEvents, 'retire'>) {
    this.#socket = socket;
    this.#client = client;
    this.#suspicion = suspicion;
    this.#events = events;
    // The Client calls `read`, which emits this. It changes nothing about the flow while there is a listener of 'readable'.
    socket.on('data', this.#onData);
    client.on('disconnect', (_origin, _targets, error) => this.#onDisconnect(error));
  }

  readonly #onData = (chunk: Buffer): void => {
    // A Client waits for a turn before it writes a request to a used connection. Until then, the request isn't running.
    if (this.#client.stats.running === 0) {
      if (isServed(chunk)) this.#events.retire('unasked-response');
    } else if (this.#suspicion.raised) {
      queueMicrotask(() => this.#lookBehind(chunk));
    }
  };

  /** The Client has read a chunk with the response that was asked for. Its caller doesn't know yet. */
  #lookBehind(chunk: Buffer): void {
    const { errored } = this.#socket;
    if (errored && isBadResponse(errored) && endsServed(chunk)) this.#events.retire('unasked-response');
  }

  #onDisconnect(error: Error): void {
    // After an upgrade, the socket is the caller's.
    if (isUpgrade(error)) this.#socket.off('data', this.#onData);
    else if (isBadResponse(error)) this.#suspicion.raised = true;
  }
}
