import type { EventEmitter } from 'node:events';
import type { ClientHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../core/base/clock.ts';
import { Patience } from '../../core/base/patience.ts';
import { DEFAULTS } from './undici.ts';

/** At least how many milliseconds a peer has to answer a PING. If the interval is longer, the interval counts. */
const SHORTEST_DEADLINE = 1_000;

export interface LivenessOptions {
  clock: Clock;
  /** How many milliseconds a peer may take for its first frame; 0: no limit. */
  helloTimeout: number;
  /** Milliseconds between PINGs; 0: none. gRPC servers close connections that get more PINGs than undici's default. */
  pingInterval: number | undefined;
}

/**
 * Watches an HTTP/2 connection. A peer must begin with its SETTINGS. evenkeel sends the PINGs itself, because undici
 * (from 8.13 on) ends a session if one PING is unanswered when the next is due, even if the answer has arrived and is
 * unread. evenkeel gives a peer up only if it sends nothing while this process runs and reads.
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
   * @param onSilence called if the peer has answered no PING, and sent nothing else, for so many milliseconds;
   * `undefined`: nothing at all within `helloTimeout`
   */
  constructor(socket: Socket, options: LivenessOptions, onSilence: (silence: number | undefined) => void) {
    const { clock, helloTimeout, pingInterval = DEFAULTS.pingInterval } = options;
    this.#socket = socket;
    this.#onSilence = onSilence;
    this.#clock = clock;
    this.#interval = pingInterval;
    if (helloTimeout > 0) this.#hello = new Patience(clock, () => this.#onHelloDue(), helloTimeout);
  }

  /** The Client has made a session of the socket. Answered PINGs are published as if they were the Client's own. */
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
