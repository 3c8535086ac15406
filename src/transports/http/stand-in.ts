import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock, Timer } from '../../core/base/clock.ts';
import { hangUp } from './failures.ts';
import type { NodeSocket } from './node-http.ts';
import { OnceListeners } from './once-listeners.ts';
import type { Waiting } from './waiting.ts';

/** Milliseconds after which a request that still waits for its connection is given a socket that stands for it. */
const SHOWN_AFTER = 250;

/** What callers ask a socket with TLS for: the answer is that of the connection, once it is there. */
const ASKED_OF_TLS = [
  'getPeerCertificate',
  'getPeerX509Certificate',
  'isSessionReused',
  'getCipher',
  'getProtocol',
];

/**
 * A socket that connects, for a request that waits for a connection. With Node's agents a request has its socket by then, and
 * callers lean on that: they set a time on it, within which they want it connected, or destroy it, as an agent does
 * that is destroyed.
 *
 * It stands in the agent's map from the beginning. The request is told of it when its connection takes long, and of the
 * connection afterwards.
 */
export class StandIn {
  readonly #waiting: Waiting;
  readonly #secure: boolean;
  readonly #timer: Timer;
  #socket: Socket | undefined;
  #real: NodeSocket | undefined;

  /** @param secure its connection is to be one of TLS */
  constructor(waiting: Waiting, clock: Clock, secure: boolean) {
    this.#waiting = waiting;
    this.#secure = secure;
    this.#timer = clock.schedule(() => waiting.run(() => this.#show()), SHOWN_AFTER);
  }

  get socket(): Socket {
    return (this.#socket ??= this.#make());
  }

  #make(): Socket {
    const socket = new Socket();
    let reason: Error | undefined;
    setConnecting(socket, true);
    socket
      .on('error', (error) => {
        reason = error;
      })
      .on('close', () => this.#waiting.run(() => this.#waiting.request.destroy(reason ?? hangUp())));
    if (this.#secure) {
      const answers = ASKED_OF_TLS.map((name) => [name, (...args: unknown[]) => this.#ask(name, args)]);
      Object.assign(socket, { encrypted: true, authorized: false, ...Object.fromEntries(answers) });
    }
    return socket;
  }

  #ask(name: string, args: unknown[]): unknown {
    const real = this.#real as unknown as Record<string, (...args: unknown[]) => unknown> | undefined;
    return real?.[name]?.(...args);
  }

  #show(): void {
    const { request } = this.#waiting;
    if (request.listenerCount('socket') === 0) return;
    const listeners = new OnceListeners(request);
    // Some of Node's own ask the request for it.
    request.socket = this.socket;
    request.emit('socket', this.socket);
    if (request.socket === this.#socket) request.socket = null;
    listeners.restore();
  }

  /** The request waits no more. */
  stop(): void {
    this.#timer.cancel();
    this.#socket?.setTimeout(0);
  }

  /** Tells those who listen to it that it is connected: the request has a socket now. */
  giveWay(real: NodeSocket): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#real = real;
    const { remoteAddress, remoteFamily } = real;
    setConnecting(socket, false);
    socket.emit('lookup', null, remoteAddress, remoteFamily === 'IPv6' ? 6 : 4, remoteAddress);
    socket.emit('connect');
    socket.emit('ready');
    if (this.#secure) {
      const { authorized, authorizationError } = real as unknown as TLSSocket;
      Object.assign(socket, { authorized, authorizationError });
      socket.emit('secureConnect');
    }
    socket.setTimeout(0);
  }
}

function setConnecting(socket: { connecting: boolean }, connecting: boolean): void {
  socket.connecting = connecting;
}
