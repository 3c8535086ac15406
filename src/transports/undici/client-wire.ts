import type { Socket } from 'node:net';
import { type buildConnector, Client, errors } from 'undici';
import type { Clock } from '../../core/base/clock.ts';
import { queueMicrotask, setImmediate, withOwnImmediate } from '../../core/base/clock.ts';
import { CONNECTION_GONE, EvenkeelError, UnresponsiveError } from '../../core/base/errors.ts';
import type { Wire, WireEvents } from '../../core/connections/wire.ts';
import { balancedSockets } from '../balanced-sockets.ts';
import { portsOfSocket } from '../common/kernel.ts';
import { Http2Liveness } from './http2-liveness.ts';
import { Http2Streams } from './http2-streams.ts';
import { askKernel } from './kernel-probes.ts';
import { sendAfter, sendAfterTurn } from './late-sends.ts';
import { Parking } from './parking.ts';
import type { Request } from './request.ts';
import { type Suspicion, UnaskedBytes } from './unasked-bytes.ts';
import { isOwnDisconnect, isUpgrade, NO_PINGS, sessionOf } from './undici.ts';

const NONE: Iterable<Request> = [];

/** The events of Clients. */
export type ClientEvents = (event: 'connect' | 'disconnect', client: Client, error?: Error) => void;

/** What is the same for all wires of a service. */
export interface ClientWireOptions {
  url: URL;
  client: Client.Options;
  clock: Clock;
  /** How many milliseconds an HTTP/2 peer may take for its first frame; 0: no limit. */
  helloTimeout: number;
  events: ClientEvents;
  suspicion: Suspicion;
}

/** One undici Client, with one connected socket. */
export class ClientWire implements Wire {
  readonly multiplexed: boolean;
  readonly client: Client;
  readonly #socket: Socket;
  /** Only for HTTP/2. */
  readonly #streams: Http2Streams | undefined = undefined;
  readonly #liveness: Http2Liveness | undefined = undefined;
  #events: WireEvents | undefined = undefined;
  readonly #address: string;
  readonly #options: ClientWireOptions;
  #parking: Parking | undefined = undefined;
  /** Whether an HTTP/2 peer takes no more streams at present. */
  #full = false;
  /** Whether an HTTP/2 peer has said how many streams it takes. Before that, a Client says it is full after the first. */
  #ready = false;
  #handedOver = false;
  #closed = false;
  #destroyedBy: Error | undefined = undefined;
  /** Sends a delayed request now, if there is one. */
  #hurry: (() => void) | undefined = undefined;

  /** @param address what was dialled, for error messages */
  constructor(socket: Socket, address: string, options: ClientWireOptions) {
    this.#socket = socket;
    this.#address = address;
    balancedSockets.add(socket);
    this.#options = options;
    const { url, client, clock, helloTimeout } = options;
    this.multiplexed = (socket as { alpnProtocol?: string | false | null }).alpnProtocol === 'h2';
    this.client = new Client(url, {
      ...client,
      ...(this.multiplexed ? { h2Options: { ...client.h2Options, ...NO_PINGS } } : undefined),
      connect: (_params, callback) => this.#handOver(callback),
    });
    this.client
      .on('connect', () => this.#onConnect())
      .on('disconnect', (_origin, _targets, error) => this.#onDisconnect(error))
      .on('drain', () => this.#onDrain());
    if (!this.multiplexed) return;
    const pingInterval = client.h2Options?.pingInterval ?? client.pingInterval;
    this.#streams = new Http2Streams();
    this.#liveness = new Http2Liveness(socket, { clock, helloTimeout, pingInterval }, (silence) =>
      this.#onSilence(silence),
    );
  }

  open(events: WireEvents): void {
    this.#events = events;
  }

  get full(): boolean {
    return this.#full;
  }

  get opening(): boolean {
    return this.multiplexed && !this.#ready;
  }

  get broken(): boolean {
    return this.#socket.destroyed;
  }

  get parked(): boolean {
    return this.#parking !== undefined;
  }

  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  get ports(): string | undefined {
    return portsOfSocket(this.#socket);
  }

  get carried(): Iterable<Request> {
    return this.#streams?.all ?? NONE;
  }

  /** Whether the Client is returning requests at this moment that an HTTP/2 peer did not process before its GOAWAY. */
  get givesBack(): boolean {
    return this.#streams?.givesBack === true;
  }

  /** The error that ended it, if it was destroyed. */
  get destroyedBy(): Error | undefined {
    return this.#destroyedBy;
  }

  park(): boolean {
    if (this.#handedOver) return false;
    this.#parking = new Parking(this.#socket, this.multiplexed, () => this.#events!.retire('closed-by-peer'));
    return true;
  }

  askKernel(urgent: boolean): void {
    if (!this.broken) askKernel(this.#socket, this.#options.client, urgent);
  }

  send(request: Request): void {
    this.#streams?.add(request);
    request.onGiven(this.#streams);
    const more =
      globalThis.setImmediate === setImmediate
        ? this.client.dispatch(request.options, request)
        : this.#sendUnfaked(request);
    // An HTTP/1.1 Client returns false even if it is idle. Every Client returns false for a request that it refuses.
    if (!this.#streams?.has(request) || (more && this.#ready)) return;
    if (more) this.#ready = true;
    else this.#full = true;
    this.#events!.onRoomChanged(false);
  }

  /** A separate method, because creating a function costs memory even if it isn't called. */
  #sendUnfaked(request: Request): boolean {
    return withOwnImmediate(() => this.client.dispatch(request.options, request));
  }

  sendNextTurn(request: Request, delay: number): void {
    // A connection that was never used can't have been closed for being idle.
    if (this.multiplexed || !this.#handedOver) {
      this.send(request);
      return;
    }
    if (delay === 0) sendAfterTurn(this, request);
    else this.#hurry = sendAfter(this, request, delay);
  }

  /**
   * The request that is about to be sent was aborted. If it is delayed for longer, it is sent in the next turn, so that
   * it ends.
   */
  hurry(): void {
    this.#hurry?.();
  }

  release(request: Request): void {
    this.#hurry = undefined;
    this.#streams?.delete(request);
  }

  keep(request: Request): void {
    this.#streams?.last(request);
  }

  cut(error: Error): void {
    this.#streams?.cut(error);
  }

  destroy(error: Error): void {
    this.#destroyedBy ??= error;
    this.hurry();
    if (this.#streams?.goneAway) this.#streams.cutAll(error);
    this.client.destroy(error, this.#onEnd);
  }

  lose(): void {
    this.#events!.destroy(new errors.SocketError('other side closed'));
  }

  close(): void {
    if (this.#closed) return;
    if (this.#streams?.goneAway) this.#onEnd();
    // A Client that is being destroyed calls back at its end.
    else if (!this.client.destroyed) this.client.close(this.#onEnd);
  }

  /**
   * An HTTP/2 peer has been silent for too long: after a PING; or, if `silence` is `undefined`, without a first frame.
   * The peer may still serve the request that it has: undici would wait for it too. No other request waits here for the
   * peer's SETTINGS.
   */
  #onSilence(silence: number | undefined): void {
    if (silence !== undefined)
      this.#events!.destroy(new UnresponsiveError(`no PING was answered for ${silence} ms`));
    else if (this.#streams?.hasStarted) this.#events!.retire('error');
    else this.#events!.destroy(new UnresponsiveError(`no SETTINGS came from ${this.#address}`));
  }

  /** Called when the Client has ended. */
  readonly #onEnd = (): void => {
    if (this.#closed) return;
    this.#closed = true;
    this.#liveness?.stop();
    this.#parking?.leave();
    // After a GOAWAY, the Client has let go of the session, and waits for nothing, not even for the peer to close.
    if (!this.#handedOver || this.#streams?.goneAway) this.#socket.destroy();
    this.#events!.onClosed();
  };

  /**
   * Gives the socket to the Client, once. If the socket ends while a request waits for it, a Client dials again by
   * itself. It must not, so it gets an error, and the request goes elsewhere. The code of this error must not be one of
   * undici's for sockets: the Client would dial again and again.
   */
  #handOver(callback: buildConnector.Callback): void {
    // A Client stalls if its connector calls back synchronously.
    queueMicrotask(() => {
      if (this.#handedOver || this.#closed) {
        // Later, because a Client that still carries something tries again at once.
        setImmediate(refuseDial, callback);
        return;
      }
      this.#handedOver = true;
      this.#parking?.leave();
      this.#parking = undefined;
      // The Client expects the socket to be ref'd, and wouldn't change that.
      this.#socket.ref?.();
      // This listener must come before those of Node and undici.
      if (this.multiplexed) this.#socket.once('close', this.#onSocketClose);
      callback(null, this.#socket);
    });
  }

  /** The Client has the socket, and has not written anything yet. */
  #onConnect(): void {
    const { events, suspicion } = this.#options;
    const session = this.multiplexed ? sessionOf(this.#socket) : undefined;
    if (!this.multiplexed) new UnaskedBytes(this.#socket, this.client, suspicion, this.#events!);
    if (session !== undefined) {
      this.#streams?.observe(session);
      session.on('remoteSettings', ({ maxConcurrentStreams }) => this.#onLimit(maxConcurrentStreams));
      this.#liveness?.start(session, this.client);
    }
    events('connect', this.client);
  }

  /**
   * An HTTP/2 peer has changed its limit on streams. If the limit is below the present number, the Client has noticed
   * that, keeps what it gets from now on, and says `drain` when there is room again.
   */
  #onLimit(limit = Number.POSITIVE_INFINITY): void {
    if (!this.#ready || this.#full || this.client.stats.size < limit) return;
    this.#full = true;
    this.#events!.onRoomChanged(false);
  }

  /** After a GOAWAY, Node would end accepted requests without an error. */
  readonly #onSocketClose = (): void => {
    if (this.#streams?.goneAway) this.#streams.cutAll(this.#destroyedBy ?? new errors.SocketError('closed'));
  };

  #onDisconnect(error: Error): void {
    this.#options.events('disconnect', this.client, error);
    // After an upgrade, the socket lives on.
    if (!this.multiplexed && isUpgrade(error)) return;
    const goneAway = this.multiplexed && !this.broken;
    const isIdle = !goneAway && isOwnDisconnect(error);
    this.#events!.retire(isIdle ? 'idle' : 'closed-by-peer');
    // After a GOAWAY, the Client sends no PINGs.
    this.#liveness?.stop();
    if (goneAway) this.#streams?.goAway(this.client, error);
  }

  #onDrain(): void {
    this.#ready = true;
    if (!this.#full) return;
    this.#full = false;
    this.#events!.onRoomChanged(true);
  }
}

function refuseDial(callback: buildConnector.Callback): void {
  callback(new EvenkeelError(CONNECTION_GONE, 'the connection has closed'), null);
}
