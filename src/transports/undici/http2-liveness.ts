import type { EventEmitter } from 'node:events';
import type { ClientHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../core/base/clock.ts';
import { Patience } from '../../core/base/patience.ts';
import { DEFAULTS } from './undici.ts';

/** Milliseconds that a peer has to answer a PING, at least; as long as the interval, if that is more. */
const SHORTEST_DEADLINE = 1_000;

export interface LivenessOptions {
  clock: Clock;
  /** Milliseconds that a peer has for its first word; 0: as long as it likes. */
  helloTimeout: number;
  /** Milliseconds between PINGs; 0: none. More than undici's own would be too many for gRPC's servers. */
  pingInterval: number | undefined;
}

/**
 * Watches over an HTTP/2 connection. A peer has to begin with its SETTINGS. PINGs are sent here and not by
 * undici, which (from 8.13 on) ends a session where one is unanswered as the next is due, though the answer
 * may be there, unread: a peer is given up only if it says nothing while this process runs and listens.
 */
export class Http2Liveness {
  readonly #socket: Socket;
  readonly #onSilence: (silence: number | undefined) => void;
  readonly #clock: Clock;
  readonly #interval: number;
  #hello: Timer | undefined;
  #nextPing: Timer | undefined;
  #deadline: Timer | undefined;

  /**
   * @param onSilence told that the peer has not answered a PING, nor said anything else, for so many milliseconds;
   *   `undefined`: nothing at all within `helloTimeout`
   */
  constructor(socket: Socket, options: LivenessOptions, onSilence: (silence: number | undefined) => void) {
    const { clock, helloTimeout, pingInterval = DEFAULTS.pingInterval } = options;
    this.#socket = socket;
    this.#onSilence = onSilence;
    this.#clock = clock;
    this.#interval = pingInterval;
    if (helloTimeout > 0) this.#hello = new Patience(clock, () => this.#onHelloDue(), helloTimeout);
  }

  /** The Client has made a session of the socket, and tells of PINGs that are answered, as it would of its own. */
  start(session: ClientHttp2Session, client: EventEmitter): void {
    if (this.#interval > 0) this.#pingLater(session, client);
  }

  stop(): void {
    this.#hello?.cancel();
    this.#nextPing?.cancel();
    this.#deadline?.cancel();
  }

  #onHelloDue(): void {
    if (this.#socket.bytesRead === 0) this.#onSilence(undefined);
  }

  #pingLater(session: ClientHttp2Session, client: EventEmitter): void {
    this.#nextPing = this.#clock.schedule(() => {
      if (session.destroyed || session.closed) return;
      session.ping((error, duration) => error ?? client.emit('ping', duration));
      this.#deadline ??= this.#expectAnswer();
      this.#pingLater(session, client);
    }, this.#interval);
  }

  #expectAnswer(): Timer {
    const { bytesRead } = this.#socket;
    const askedAt = this.#clock.now();
    const judge = () => {
      this.#deadline = undefined;
      if (this.#socket.bytesRead !== bytesRead) return;
      this.#onSilence(Math.round(this.#clock.now() - askedAt));
    };
    return new Patience(this.#clock, judge, Math.max(this.#interval, SHORTEST_DEADLINE));
  }
}
