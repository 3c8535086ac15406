import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

const connectedAt = new WeakMap<Socket, number>();
/** Requests that haven't ended, by their paths. */
const watched = new Map<string, WatchedRequest>();

/** A request under watch, from the moment it is asked for. */
export class WatchedRequest {
  readonly path: string;
  /** It was sent on a connection that was made after it had come. */
  waitedOnDial = false;
  readonly #askedAt = performance.now();

  /** @param path no other request may have it */
  constructor(path: string) {
    this.path = path;
    watched.set(path, this);
  }

  /** Ends the watch; returns the milliseconds it took. */
  end(): number {
    watched.delete(this.path);
    return performance.now() - this.#askedAt;
  }

  onSent(socket: Socket): void {
    this.waitedOnDial = connectedAt.get(socket)! > this.#askedAt;
  }
}

subscribe('net.client.socket', (message) => {
  const { socket } = message as { socket: Socket };
  const connected = socket instanceof TLSSocket ? 'secureConnect' : 'connect';
  socket.once(connected, () => connectedAt.set(socket, performance.now()));
});

subscribe('undici:client:sendHeaders', (message) => {
  const { request, socket } = message as { request: { path: string }; socket: Socket };
  watched.get(request.path)?.onSent(socket);
});
