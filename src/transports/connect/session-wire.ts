import type { ClientHttp2Session, Settings } from 'node:http2';
import type { Socket } from 'node:net';
import { afterIncoming, type Clock, setImmediate } from '../../core/base/clock.ts';
import type { WireEvents } from '../../core/connections/wire.ts';
import { balancedSockets } from '../balanced-sockets.ts';
import { CANCEL } from '../common/http2-codes.ts';
import { PROBE_SOON, portsOfSocket, resetError } from '../common/kernel.ts';
import { IdleTime } from '../http/idle-time.ts';
import type { ColdWire } from './cold-start.ts';
import { nodeReason } from './node-reason.ts';
import { type PingSettings, Pings } from './pings.ts';
import type { SessionCall } from './session-call.ts';

export interface SessionWireOptions {
  clock: Clock;
  /** For how many milliseconds an idle session lasts. */
  keepAlive: number;
  /** Whether the kernel probes the peer by itself, and after how many milliseconds. */
  tcpKeepAlive: { enabled: boolean; initialDelay: number };
  pings: PingSettings;
}

/**
 * One HTTP/2 session, and its socket.
 *
 * `opening`: other sessions are being made at the same time, and the first calls will be spread over all of them.
 */
export class SessionWire implements ColdWire {
  readonly multiplexed = true;
  opening = false;
  readonly #session: ClientHttp2Session;
  readonly #socket: Socket;
  readonly #options: SessionWireOptions;
  readonly #idleTime: IdleTime;
  readonly #pings: Pings;
  readonly #carried = new Set<SessionCall>();
  #events: WireEvents | undefined = undefined;
  /** How many streams its peer takes at a time. */
  #limit: number;
  #used = false;
  #closed = false;
  #destroyedBy: Error | undefined = undefined;

  constructor(session: ClientHttp2Session, socket: Socket, options: SessionWireOptions) {
    this.#session = session;
    this.#socket = socket;
    this.#options = options;
    this.#limit = limitOf(session.remoteSettings);
    this.#idleTime = new IdleTime(options.clock, options.keepAlive, () => this.#events!.retire('idle'));
    this.#pings = new Pings(session, socket, options.pings, options.clock, (error) =>
      this.#events!.destroy(error),
    );
    balancedSockets.add(socket);
    session.unref();
  }

  open(events: WireEvents): void {
    this.#events = events;
    this.#session
      .on('error', noop)
      .on('goaway', (_code, _last, data) => this.#onGoAway(data))
      .on('remoteSettings', (settings) => this.#onLimit(limitOf(settings)))
      .once('close', () => this.#onClose());
    if (this.#session.destroyed) process.nextTick(() => this.#onClose());
  }

  get full(): boolean {
    return this.opening || this.#carried.size >= this.#limit;
  }

  get broken(): boolean {
    return this.#session.closed || this.#session.destroyed || this.#socket.destroyed;
  }

  /** Whether it has ended with all that it carried. A session that only takes no more calls goes on. */
  get isGone(): boolean {
    return this.#session.destroyed || this.#socket.destroyed;
  }

  /** The error with which this side ended it, if so. */
  get destroyedBy(): Error | undefined {
    return this.#destroyedBy;
  }

  get parked(): boolean {
    return !this.#used;
  }

  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  get ports(): string | undefined {
    return portsOfSocket(this.#socket);
  }

  get carried(): Iterable<SessionCall> {
    return [...this.#carried];
  }

  /** The session reads by itself, and notices its end. */
  park(): boolean {
    return !this.#used;
  }

  begin(): void {
    this.opening = false;
  }

  tellRoom(wakes: boolean): void {
    this.#events?.onRoomChanged(wakes);
  }

  send(call: SessionCall): void {
    const { isInDoubt } = this.#pings;
    this.#carry(call);
    this.#startIfThere(call, isInDoubt);
  }

  sendNextTurn(call: SessionCall): void {
    const { isInDoubt } = this.#pings;
    this.#carry(call);
    afterIncoming(this.#options.clock, () => this.#startIfThere(call, isInDoubt));
  }

  #startIfThere(call: SessionCall, isInDoubt: boolean): void {
    if (isInDoubt && !this.broken) this.#pings.verify((isThere) => this.#start(call, isThere));
    else this.#start(call, true);
  }

  /** Counts a call. Its stream may be opened a moment later. */
  #carry(call: SessionCall): void {
    this.#carried.add(call);
    this.#used = true;
    if (this.#carried.size === 1) {
      this.#session.ref();
      this.#idleTime.interrupt();
      this.#pings.onBusy();
    }
    if (this.#carried.size >= this.#limit) this.#events!.onRoomChanged(false);
  }

  #start(call: SessionCall, isThere: boolean): void {
    // The call may have been given up meanwhile.
    if (!this.#carried.has(call)) return;
    // Node would throw, or return a stream whose error comes before anybody could listen.
    if (!isThere || this.broken) {
      call.onUnopened(this.#destroyedBy ?? new Error('the session has ended'), true);
      return;
    }
    try {
      call.open(this.#session);
    } catch (error) {
      call.onUnopened(error as Error, this.broken);
    }
  }

  release(call: SessionCall): void {
    if (!this.#carried.delete(call) || this.#carried.size > 0) return;
    if (!this.isGone) this.#session.unref();
    this.#pings.onIdle();
    this.#idleTime.begin();
  }

  keep(): void {}

  cut(error: Error): void {
    for (const call of [...this.#carried]) if (!call.streaming) call.cut(error);
  }

  askKernel(urgent: boolean): void {
    if (this.#socket.destroyed) return;
    const { enabled, initialDelay } = this.#options.tcpKeepAlive;
    this.#socket.setKeepAlive(urgent || enabled, urgent ? PROBE_SOON : initialDelay);
  }

  lose(): void {
    this.#events!.destroy(resetError());
  }

  /** Not gracefully, because nothing is under way. */
  close(): void {
    this.#session.destroy();
    this.#endSocket();
  }

  destroy(error: Error): void {
    this.#destroyedBy ??= error;
    this.#session.destroy(nodeReason(error), CANCEL);
    this.#endSocket();
  }

  /**
   * After a GOAWAY, Node waits for the peer to close, and the peer may be gone. But all that is written must be sent
   * first.
   */
  #endSocket(): void {
    setImmediate(() => this.#socket.destroy());
  }

  #onLimit(limit: number): void {
    const wasFull = this.full;
    this.#limit = limit;
    if (wasFull !== this.full) this.#events!.onRoomChanged(wasFull);
  }

  #onGoAway(data: Uint8Array | undefined): void {
    this.#pings.onGoAway(data);
    this.#events!.retire('closed-by-peer');
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#idleTime.stop();
    this.#pings.stop();
    this.#events!.retire('closed-by-peer');
    this.#events!.onClosed();
  }
}

function limitOf({ maxConcurrentStreams }: Settings): number {
  return maxConcurrentStreams ?? Number.POSITIVE_INFINITY;
}

function noop(): void {}
