import type { Channel } from 'node:diagnostics_channel';
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { type buildConnector, Client, type Dispatcher } from 'undici';
import {
  afterIncoming,
  type Clock,
  queueMicrotask,
  setImmediate,
  type Timer,
  withOwnImmediate,
} from '../clock.ts';
import { EvenkeelError } from '../errors.ts';
import { BodyWatch } from '../request/body-watch.ts';
import { portsOf } from '../silence/unacknowledged.ts';
import { channels } from '../telemetry/channels.ts';
import { Parking } from './parking.ts';
import type { RetireReason } from './retire-reason.ts';

/** The code of the error for a request whose connection ended before it was sent. */
export const CONNECTION_GONE = 'EVENKEEL_CONNECTION_GONE';
/** The code of the error for a request whose endpoint does not answer any more. */
export const UNRESPONSIVE = 'EVENKEEL_UNRESPONSIVE';

/** The part of its age, and milliseconds at most, that a connection has left when its successor is made. */
const LEAD = 0.2;
const LONGEST_LEAD = 2_000;
/** The part of its age, and of the time for which idle ones last, within which a connection was needed lately. */
const LATELY = 0.25;
const LATELY_IDLE = 0.5;
/** Milliseconds between PINGs, and those that a peer has to answer one. */
const PING_INTERVAL = 10_000;
const PING_DEADLINE = 1_000;

/** What a connection tells its endpoint. */
export interface ConnectionOwner {
  readonly origin: string;
  readonly address: string;
  /** It will reach its age soon. */
  onAging(): void;
  /** It has a request though it will reach its age soon. */
  onUsedAging(): void;
  /** The connection takes requests no more. */
  onRetired(connection: Connection): void;
  /** Whether it has room has changed, without a request having begun or ended. */
  settle(connection: Connection): void;
  /** It has room again, without a request having ended. */
  onRoom(connection: Connection): void;
  /** Its socket is gone. */
  onClosed(connection: Connection): void;
  onClientEvent(event: 'connect' | 'disconnect', client: Client, error?: Error): void;
}

/** A request as a connection sees it. */
export interface Request extends Dispatcher.DispatchHandler {
  readonly options: Dispatcher.DispatchOptions;
  /** Takes it back, to be sent elsewhere. */
  reclaim(): void;
  /** Ends it with an error. */
  cancel(reason: Error): void;
}

export interface ConnectionOptions {
  url: URL;
  client: Client.Options;
  clock: Clock;
  /** Milliseconds from now after which the connection is retired; 0: never. */
  maxDuration: number;
  /** Requests after which it is retired; 0: no limit. */
  maxRequests: number;
  /** Milliseconds a retired connection may still take for what it carries; 0: as long as it needs. */
  drainTimeout: number;
  /** Milliseconds an unused connection may wait for its first request. */
  idleTimeout: number;
  /** Milliseconds that an HTTP/2 peer has for its first word; 0: as long as it likes. */
  helloTimeout: number;
}

/**
 * One undici Client that owns one connected socket, from its dial to its end: how old it is, how often
 * it was used, what it carries.
 */
export class Connection {
  readonly h2: boolean;
  readonly client: Client;
  /** The endpoint it belongs to. */
  owner: ConnectionOwner;
  /** Neighbours in the endpoint's stack of connections with room. */
  below: Connection | undefined;
  above: Connection | undefined;
  stacked = false;
  /** Requests it carries now, lasting ones aside. */
  inFlight = 0;
  /** Event streams, and upgraded streams of HTTP/2, that it carries now. */
  lasting = 0;
  /** Requests it has carried, the present ones included. */
  requests = 0;
  retired: RetireReason | undefined;
  destroyedBy: Error | undefined;
  /** Its end is near. */
  aging = false;

  /** What it carries with HTTP/2, in the order in which it came. */
  readonly #streams = new Set<Request>();
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #connectedAt: number;
  #expiresAt: number;
  #expiry: Timer | undefined;
  #idleExpiry: Timer | undefined;
  #drainDeadline: Timer | undefined;
  #helloDeadline: Timer | undefined;
  #pingCheck: Timer | undefined;
  #parking: Parking | undefined;
  /** An HTTP/2 peer takes no more streams for now. */
  #full = false;
  #bytesHeard = 0;
  /** When a request last came, or it was made for one. */
  #neededAt: number;
  /** An HTTP/2 peer has said how many streams it takes: until then a Client calls itself full after the first. */
  #ready = false;
  #handedOver = false;
  /** An HTTP/2 peer has said that it takes no more streams. */
  #goneAway = false;
  #closed = false;

  constructor(socket: Socket, owner: ConnectionOwner, options: ConnectionOptions) {
    this.#socket = socket;
    this.owner = owner;
    this.#options = options;
    this.h2 = (socket as { alpnProtocol?: string | false | null }).alpnProtocol === 'h2';
    this.client = new Client(options.url, {
      ...options.client,
      ...(this.h2 ? { h2Options: { pingInterval: PING_INTERVAL, ...options.client.h2Options } } : undefined),
      connect: (_params, callback) => this.#handOver(callback),
    });
    this.client
      .on('connect', () => owner.onClientEvent('connect', this.client))
      .on('disconnect', (_origin, _targets, error) => this.#onDisconnect(error))
      .on('drain', () => this.#onDrain());
    if (this.h2) this.#awaitHello();
    if (this.h2) this.#watchPings();
    const { clock, maxDuration } = options;
    this.#connectedAt = clock.now();
    this.#neededAt = this.#connectedAt;
    this.#expiresAt = maxDuration > 0 ? this.#connectedAt + maxDuration : Number.POSITIVE_INFINITY;
    const lead = Math.min(maxDuration * LEAD, LONGEST_LEAD);
    if (maxDuration > 0) this.#expiry = clock.schedule(() => this.#age(lead), maxDuration - lead);
    this.#publish(channels.connectionOpen);
  }

  /** Whether one more request can be dispatched now. */
  get room(): boolean {
    return this.retired === undefined && (this.h2 ? !this.#full : !this.busy);
  }

  /** Whether its socket is gone. */
  get broken(): boolean {
    return this.#socket.destroyed;
  }

  /** Whether it will soon have room for many: an HTTP/2 connection whose peer hasn't spoken yet. */
  get opening(): boolean {
    return this.h2 && !this.#ready && this.retired === undefined;
  }

  /**
   * Whether the connection may take a request at this moment. One that may not is retired: the timer of
   * its age may be late, and its socket may have died without a word.
   */
  check(now: number): boolean {
    if (this.retired !== undefined) return false;
    this.#neededAt = now;
    if (now >= this.#expiresAt) this.retire('max-duration');
    else if (this.broken) this.retire('closed-by-peer');
    return this.retired === undefined;
  }

  /** Whether it has been used so lately that it is likely to be used again while it lasts. */
  get used(): boolean {
    return this.requests > 0 && this.#neededWithin(this.#options.idleTimeout * LATELY_IDLE);
  }

  /** Whether the traffic of the last moments has needed it: has used it, or had it made. */
  get needed(): boolean {
    const { idleTimeout, maxDuration } = this.#options;
    const idle = idleTimeout * LATELY_IDLE;
    return this.#neededWithin(maxDuration > 0 ? Math.min(idle, maxDuration * LATELY) : idle);
  }

  #neededWithin(milliseconds: number): boolean {
    if (this.retired !== undefined) return false;
    return this.inFlight > 0 || this.#options.clock.now() - this.#neededAt < milliseconds;
  }

  /** Whether anything has come from the peer since this was asked before. */
  hasSpoken(): boolean {
    const { bytesRead } = this.#socket;
    const spoken = bytesRead !== this.#bytesHeard;
    this.#bytesHeard = bytesRead;
    return spoken;
  }

  /** What the kernel knows it by. */
  get ports(): string {
    const { localPort = 0, remotePort = 0 } = this.#socket;
    return portsOf(localPort, remotePort);
  }

  /** Waits for a first request; with none, the connection closes in the end, as a used one would. */
  park(): void {
    if (this.#handedOver || this.retired !== undefined) return;
    this.#parking = new Parking(this.#socket, this.h2, () => this.retire('closed-by-peer'));
    this.#idleExpiry = this.#options.clock.schedule(() => this.retire('idle'), this.#options.idleTimeout);
  }

  /** Lets it live on past its age. */
  keep(): void {
    this.#expiresAt = Number.POSITIVE_INFINITY;
    this.#expiry?.cancel();
  }

  /** Takes on a request, which is sent next. The cap on requests is spent here, not when they end. */
  reserve(): void {
    this.inFlight++;
    this.requests++;
    if (this.aging) this.owner.onUsedAging();
    const { maxRequests } = this.#options;
    if (maxRequests === 0) return;
    // Early: many come at once with HTTP/2, and a cap on requests is reached as fast as they come.
    if (this.requests === Math.ceil(maxRequests / 2)) this.#startAging();
    if (this.requests === maxRequests) this.retire('max-requests');
  }

  /** Sends a request when the event loop has had a chance to find that the connection is closed. */
  sendNextTurn(request: Request): void {
    if (this.h2 || this.requests === 1) this.send(request);
    else setImmediate(sendLate, this, request, BodyWatch.of(request));
  }

  send(request: Request): void {
    if (this.h2) this.#streams.add(request);
    const more =
      globalThis.setImmediate === setImmediate
        ? this.client.dispatch(request.options, request)
        : withOwnImmediate(() => this.client.dispatch(request.options, request));
    // An HTTP/1.1 Client returns false even when idle, and every one does for a request that it refuses.
    if (!this.#streams.has(request) || (more && this.#ready)) return;
    if (more) this.#ready = true;
    else this.#full = true;
    this.owner.settle(this);
  }

  /** A request it carried has ended. */
  release(request: Request): void {
    this.inFlight--;
    if (this.h2) this.#streams.delete(request);
    this.#closeIfDrained();
  }

  /** A request it carried has become a socket, which is the caller's from now on, or a stream. */
  upgrade(request: Request): void {
    if (this.h2) {
      this.stream(request);
      return;
    }
    this.inFlight--;
    this.retire('upgrade');
    this.#closeIfDrained();
  }

  upgradeEnded(): void {
    if (this.h2) this.streamEnded();
  }

  /** A request it carried has become a stream, which lasts. It must end before the connection is closed. */
  stream(request: Request): void {
    this.inFlight--;
    this.#streams.delete(request);
    this.lasting++;
  }

  streamEnded(): void {
    this.lasting--;
    this.#closeIfDrained();
  }

  /**
   * Ends an HTTP/2 connection whose peer says nothing at all. It has to begin with its SETTINGS, and until
   * those come no more than one request is sent, and no other connection made.
   */
  #awaitHello(): void {
    const { clock, helloTimeout } = this.#options;
    if (helloTimeout === 0) return;
    const check = () => {
      if (this.#closed || this.#socket.bytesRead !== 0) return;
      const message = `no SETTINGS came from ${this.owner.address} within ${helloTimeout} ms`;
      this.destroy(new EvenkeelError(UNRESPONSIVE, message));
    };
    this.#helloDeadline = clock.schedule(() => afterIncoming(check), helloTimeout);
  }

  /**
   * Ends an HTTP/2 connection whose peer has stopped to answer PINGs: undici sends them, and does nothing
   * when they stay unanswered.
   */
  #watchPings(): void {
    const interval = this.#options.client.h2Options?.pingInterval ?? PING_INTERVAL;
    if (interval === 0) return;
    const { clock } = this.#options;
    let heardAt = clock.now();
    const check = () => {
      if (clock.now() - heardAt > interval + PING_DEADLINE && this.busy) {
        const message = `no PING was answered for ${Math.round(clock.now() - heardAt)} ms`;
        this.destroy(new EvenkeelError(UNRESPONSIVE, message));
      } else {
        this.#pingCheck = clock.schedule(check, interval);
      }
    };
    (this.client as EventEmitter).on('ping', () => {
      heardAt = clock.now();
    });
    this.#pingCheck = clock.schedule(check, interval);
  }

  #age(lead: number): void {
    this.#expiry = this.#options.clock.schedule(() => this.retire('max-duration'), lead);
    this.#startAging();
  }

  #startAging(): void {
    if (this.aging || this.retired !== undefined) return;
    this.aging = true;
    this.owner.onAging();
  }

  /** Takes no more requests, and closes when the last one it carries has ended: at once if idle. */
  retire(reason: RetireReason): void {
    if (this.retired !== undefined) return;
    this.retired = reason;
    this.#expiry?.cancel();
    this.#idleExpiry?.cancel();
    this.#publish(channels.connectionRetire, reason);
    this.owner.onRetired(this);
    if (this.busy && this.#options.drainTimeout > 0) {
      const { clock, drainTimeout } = this.#options;
      this.#drainDeadline = clock.schedule(
        () => this.#endRequests(drainTimedOut(drainTimeout)),
        drainTimeout,
      );
    }
    this.#closeIfDrained();
  }

  /** Ends it now, with all it carries. */
  destroy(error: Error): void {
    this.destroyedBy ??= error;
    this.retire('error');
    if (this.#goneAway) this.#endAccepted(error);
    this.client.destroy(error, this.#onEnd);
  }

  /** After a GOAWAY the Client has let go of the session, and would let what it still carries go on. */
  #endAccepted(error: Error): void {
    for (const request of [...this.#streams]) request.cancel(error);
    this.#socket.destroy();
  }

  /** Ends what it carries, and itself, unless it carries something that lasts. */
  #endRequests(error: Error): void {
    if (this.lasting === 0) this.destroy(error);
    else for (const request of [...this.#streams]) request.cancel(error);
  }

  /** Whether it carries anything. */
  get busy(): boolean {
    return this.inFlight + this.lasting > 0;
  }

  #closeIfDrained(): void {
    if (this.retired === undefined || this.busy || this.#closed) return;
    // In a microtask: undici calls `onResponseEnd` before it has settled the socket's fate.
    queueMicrotask(() => {
      // One that is being destroyed calls back when that is done.
      if (!this.busy && !this.client.destroyed) this.client.close(this.#onEnd);
    });
  }

  /** The Client has ended, and said so. */
  readonly #onEnd = (): void => {
    if (this.#closed) return;
    this.#closed = true;
    this.#drainDeadline?.cancel();
    this.#helloDeadline?.cancel();
    this.#pingCheck?.cancel();
    this.#parking?.leave();
    // After a GOAWAY the Client has let go of it, and waits for nobody: not for the peer to close it either.
    if (!this.#handedOver || this.#goneAway) this.#socket.destroy();
    this.#publish(channels.connectionClose, this.retired);
    this.owner.onClosed(this);
  };

  /**
   * Gives the socket to the Client, once. A Client dials again by itself when its socket ended while a
   * request waited for it; it must not, so it gets an error, which sends the request elsewhere. The code
   * must not be undici's for sockets: the Client would try for ever.
   */
  #handOver(callback: buildConnector.Callback): void {
    // A Client whose connector calls back synchronously stalls.
    queueMicrotask(() => {
      if (this.#handedOver || this.#closed) {
        callback(new EvenkeelError(CONNECTION_GONE, 'the connection has closed'), null);
        return;
      }
      this.#handedOver = true;
      this.#parking?.leave();
      this.#parking = undefined;
      this.#idleExpiry?.cancel();
      // The Client takes it to be ref'd, and would leave it as it is.
      this.#socket.ref();
      callback(null, this.#socket);
    });
  }

  #onDisconnect(error: Error): void {
    this.owner.onClientEvent('disconnect', this.client, error);
    // After an upgrade the socket lives on.
    if (!this.h2 && error.message === 'upgrade') return;
    this.retire((error as NodeJS.ErrnoException).code === 'UND_ERR_INFO' ? 'idle' : 'closed-by-peer');
    if (!this.h2) return;
    this.#goneAway = !this.broken;
    this.#reclaimPending();
  }

  /**
   * After a GOAWAY the Client keeps the requests that the server refused until the accepted ones have
   * ended, which may be never. They are the last it was given.
   */
  #reclaimPending(): void {
    const { pending } = this.client.stats;
    if (pending > 0) for (const request of [...this.#streams].slice(-pending)) request.reclaim();
  }

  #onDrain(): void {
    this.#ready = true;
    if (!this.#full) return;
    this.#full = false;
    this.owner.onRoom(this);
  }

  #publish(channel: Channel, reason?: RetireReason): void {
    if (!channel.hasSubscribers) return;
    const { origin, address } = this.owner;
    const age = this.#options.clock.now() - this.#connectedAt;
    const protocol = this.h2 ? 'h2' : 'h1';
    channel.publish({ origin, address, reason, requests: this.requests, age, protocol });
  }
}

function sendLate(connection: Connection, request: Request, bodyWatch: BodyWatch | undefined): void {
  bodyWatch?.leave();
  const { destroyedBy } = connection;
  if (destroyedBy === undefined) connection.send(request);
  else request.onResponseError?.(null as unknown as Dispatcher.DispatchController, destroyedBy);
}

function drainTimedOut(drainTimeout: number): EvenkeelError {
  return new EvenkeelError(
    'EVENKEEL_DRAIN_TIMEOUT',
    `the connection did not drain within ${drainTimeout} ms`,
  );
}
