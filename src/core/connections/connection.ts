import type { Channel } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { type buildConnector, Client, type Dispatcher, errors } from 'undici';
import { balancedSockets } from '../../transports/undici/balanced-sockets.ts';
import { BodyWatch } from '../../transports/undici/body-watch.ts';
import { Http2Liveness } from '../../transports/undici/http2-liveness.ts';
import { Http2Streams } from '../../transports/undici/http2-streams.ts';
import { askKernel } from '../../transports/undici/kernel-probes.ts';
import { Parking } from '../../transports/undici/parking.ts';
import type { Request } from '../../transports/undici/request.ts';
import { isOwnDisconnect, isUpgrade, NO_PINGS, sessionOf } from '../../transports/undici/undici.ts';
import { channels } from '../base/channels.ts';
import { type Clock, queueMicrotask, setImmediate, type Timer, withOwnImmediate } from '../base/clock.ts';
import { EvenkeelError } from '../base/errors.ts';
import { Patience } from '../base/patience.ts';
import type { RetireReason } from './retire-reason.ts';
import { portsOf } from './unacknowledged.ts';

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
/** Milliseconds after which a connection that has outlived its age is looked at again. */
const REPRIEVE = 500;

/** What a connection tells its endpoint. */
export interface ConnectionOwner {
  readonly origin: string;
  readonly address: string;
  /** It will reach its age soon. Says whether it has a successor made. */
  onAging(): boolean;
  /** It has a request, though it will reach its age soon and had no successor made. Says whether it has now. */
  onUsedAging(): boolean;
  /** Whether it lives on past its age, for nothing could take its place. */
  outlives(): boolean;
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
  /** Its responses have said all that is to be known of the endpoint. */
  told = false;
  destroyedBy: Error | undefined;
  /** Its end is near. */
  aging = false;
  /** A successor was made ready when its end came near. */
  #renewed = false;

  /** Of HTTP/2. */
  readonly #streams: Http2Streams | undefined;
  readonly #liveness: Http2Liveness | undefined;
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #connectedAt: number;
  #expiresAt: number;
  #expiry: Timer | undefined;
  #idleExpiry: Timer | undefined;
  #drainDeadline: Timer | undefined;
  #parking: Parking | undefined;
  /** An HTTP/2 peer takes no more streams for now. */
  #full = false;
  #bytesHeard = 0;
  /** When a request last came, or it was made for one. */
  #neededAt: number;
  /** An HTTP/2 peer has said how many streams it takes: until then a Client calls itself full after the first. */
  #ready = false;
  #handedOver = false;
  #closed = false;

  constructor(socket: Socket, owner: ConnectionOwner, options: ConnectionOptions) {
    this.#socket = socket;
    balancedSockets.add(socket);
    this.owner = owner;
    this.#options = options;
    this.h2 = (socket as { alpnProtocol?: string | false | null }).alpnProtocol === 'h2';
    this.client = new Client(options.url, {
      ...options.client,
      ...(this.h2 ? { h2Options: { ...options.client.h2Options, ...NO_PINGS } } : undefined),
      connect: (_params, callback) => this.#handOver(callback),
    });
    this.client
      .on('connect', () => this.#onConnect())
      .on('disconnect', (_origin, _targets, error) => this.#onDisconnect(error))
      .on('drain', () => this.#onDrain());
    const { clock, maxDuration, helloTimeout, client } = options;
    if (this.h2) {
      const pingInterval = client.h2Options?.pingInterval ?? client.pingInterval;
      this.#streams = new Http2Streams();
      this.#liveness = new Http2Liveness(socket, this, { clock, helloTimeout, pingInterval });
    }
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

  /** The requests and event streams that it carries, where HTTP/2 has many on one. */
  get carried(): Iterable<Request> {
    return this.#streams?.all ?? [];
  }

  /** Whether it gives back, at this moment, what an HTTP/2 peer has not looked at before it went away. */
  get givesBack(): boolean {
    return this.#streams?.givesBack === true;
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
    if (now >= this.#expiresAt) this.#expire();
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

  /**
   * Whether anything has ever come. Until then it may be connected on this side only: a pod whose accept
   * queue is full acknowledges nothing that is sent on such a connection, and takes it later.
   */
  get isAccepted(): boolean {
    return this.#socket.bytesRead > 0;
  }

  /** Has the kernel ask the pod's whether it is there, soon or as seldom as usual. */
  askKernel(urgent: boolean): void {
    if (!this.broken) askKernel(this.#socket, this.#options.client, urgent);
  }

  /** What the kernel knows it by, unless a connector has made it of something else. */
  get ports(): string | undefined {
    const { localPort, remotePort } = this.#socket;
    return localPort === undefined || remotePort === undefined ? undefined : portsOf(localPort, remotePort);
  }

  /** Bytes that have come from the peer. */
  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  /** Waits for a first request; with none, the connection closes in the end, as a used one would. */
  park(): void {
    if (this.#handedOver || this.retired !== undefined) return;
    this.#parking = new Parking(this.#socket, this.h2, () => this.retire('closed-by-peer'));
    this.#idleExpiry = this.#options.clock.schedule(() => this.retire('idle'), this.#options.idleTimeout);
  }

  /** Whether it waits for a first request. */
  get isParked(): boolean {
    return this.#parking !== undefined;
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
    if (this.aging && !this.#renewed) this.#renewed = this.owner.onUsedAging();
    const { maxRequests } = this.#options;
    if (maxRequests === 0) return;
    // Early: many come at once with HTTP/2, and a cap on requests is reached as fast as they come.
    if (this.requests === Math.ceil(maxRequests / 2)) this.#startAging();
    if (this.requests === maxRequests) this.retire('max-requests');
  }

  /** undici has refused the request that was taken on: it is none that the connection has carried. */
  takeOff(): void {
    this.requests--;
  }

  /** Sends a request when the event loop has had a chance to find that the connection is closed. */
  sendNextTurn(request: Request): void {
    if (this.h2 || this.requests === 1) this.send(request);
    else setImmediate(sendLate, this, request, BodyWatch.of(request));
  }

  send(request: Request): void {
    this.#streams?.add(request);
    request.given = true;
    const more =
      globalThis.setImmediate === setImmediate
        ? this.client.dispatch(request.options, request)
        : this.#sendUnfaked(request);
    // An HTTP/1.1 Client returns false even when idle, and every one does for a request that it refuses.
    if (!this.#streams?.has(request) || (more && this.#ready)) return;
    if (more) this.#ready = true;
    else this.#full = true;
    this.owner.settle(this);
  }

  /** By itself, for a function that makes another one costs memory even when it doesn't. */
  #sendUnfaked(request: Request): boolean {
    return withOwnImmediate(() => this.client.dispatch(request.options, request));
  }

  /** The Client is about to write a request. */
  onStart(request: Request): void {
    this.#streams?.onStart(request);
  }

  /** A request it carried has ended. */
  release(request: Request): void {
    this.inFlight--;
    this.#streams?.delete(request);
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
    this.#streams?.last(request);
    this.lasting++;
  }

  streamEnded(): void {
    this.lasting--;
    this.#closeIfDrained();
  }

  /**
   * An HTTP/2 peer says nothing at all. The request that it has may be served yet, as undici would wait for
   * it; no other waits here for the peer's SETTINGS.
   */
  onMute(): void {
    if (this.#streams?.hasStarted) this.retire('error');
    else this.destroy(unresponsive(`no SETTINGS came from ${this.owner.address}`));
  }

  onUnanswered(silence: number): void {
    this.destroy(unresponsive(`no PING was answered for ${silence} ms`));
  }

  #age(lead: number): void {
    this.#expiry = this.#options.clock.schedule(() => this.#expire(), lead);
    this.#startAging();
  }

  /**
   * Its age is reached: it retires, or is looked at again later. Before an HTTP/2 peer has spoken it has no age: one
   * after the other would go without having served more than its first request.
   */
  #expire(): void {
    const { clock, maxDuration } = this.#options;
    const respite = this.opening ? maxDuration : REPRIEVE;
    if (!this.opening && !this.owner.outlives()) {
      this.retire('max-duration');
      return;
    }
    this.#expiresAt = clock.now() + respite;
    this.#expiry?.cancel();
    this.#expiry = clock.schedule(() => this.#expire(), respite);
  }

  #startAging(): void {
    if (this.aging || this.retired !== undefined) return;
    this.aging = true;
    this.#renewed = this.owner.onAging();
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
      this.#drainDeadline = new Patience(
        clock,
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
    if (this.#streams?.goneAway) this.#streams.cutAll(error);
    this.client.destroy(error, this.#onEnd);
  }

  /** Its socket is gone, though Node doesn't know. Ends it as undici would have. */
  lose(): void {
    this.destroy(new errors.SocketError('other side closed'));
  }

  /** Ends what it carries, and itself, unless it carries something that lasts. */
  #endRequests(error: Error): void {
    if (this.lasting === 0) this.destroy(error);
    else this.#streams?.cut(error);
  }

  /** Whether it carries anything. */
  get busy(): boolean {
    return this.inFlight + this.lasting > 0;
  }

  #closeIfDrained(): void {
    if (this.retired === undefined || this.busy || this.#closed) return;
    // In a microtask: undici calls `onResponseEnd` before it has settled the socket's fate.
    queueMicrotask(() => {
      if (this.busy) return;
      if (this.#streams?.goneAway) this.#onEnd();
      // One that is being destroyed calls back when that is done.
      else if (!this.client.destroyed) this.client.close(this.#onEnd);
    });
  }

  /** The Client has ended, and said so. */
  readonly #onEnd = (): void => {
    if (this.#closed) return;
    this.#closed = true;
    this.#drainDeadline?.cancel();
    this.#liveness?.stop();
    this.#parking?.leave();
    // After a GOAWAY the Client has let go of it, and waits for nobody: not for the peer to close it either.
    if (!this.#handedOver || this.#streams?.goneAway) this.#socket.destroy();
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
        // Later: a Client that still carries something tries again at once.
        setImmediate(refuseDial, callback);
        return;
      }
      this.#handedOver = true;
      this.#parking?.leave();
      this.#parking = undefined;
      this.#idleExpiry?.cancel();
      // The Client takes it to be ref'd, and would leave it as it is.
      this.#socket.ref?.();
      // Before Node and undici learn of it.
      if (this.h2) this.#socket.once('close', this.#onSocketClose);
      callback(null, this.#socket);
    });
  }

  /** The Client has the socket, and has not written to it yet. */
  #onConnect(): void {
    const session = this.h2 ? sessionOf(this.#socket) : undefined;
    if (session !== undefined) {
      this.#streams?.observe(session);
      this.#liveness?.start(session, this.client);
    }
    this.owner.onClientEvent('connect', this.client);
  }

  /** After a GOAWAY, Node would end what was accepted without an error. */
  readonly #onSocketClose = (): void => {
    if (this.#streams?.goneAway) this.#streams.cutAll(this.destroyedBy ?? new errors.SocketError('closed'));
  };

  #onDisconnect(error: Error): void {
    this.owner.onClientEvent('disconnect', this.client, error);
    // After an upgrade the socket lives on.
    if (!this.h2 && isUpgrade(error)) return;
    const goneAway = this.h2 && !this.broken;
    const isIdle = !goneAway && isOwnDisconnect(error);
    this.retire(isIdle ? 'idle' : 'closed-by-peer');
    // After a GOAWAY the Client sends no PINGs.
    this.#liveness?.stop();
    if (goneAway) this.#streams?.goAway(this.client, error);
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

function refuseDial(callback: buildConnector.Callback): void {
  callback(new EvenkeelError(CONNECTION_GONE, 'the connection has closed'), null);
}

function sendLate(connection: Connection, request: Request, bodyWatch: BodyWatch | undefined): void {
  bodyWatch?.leave();
  const { destroyedBy } = connection;
  if (destroyedBy === undefined) connection.send(request);
  else request.onResponseError?.(null as unknown as Dispatcher.DispatchController, destroyedBy);
}

function unresponsive(message: string): EvenkeelError {
  return new EvenkeelError(UNRESPONSIVE, message);
}

function drainTimedOut(drainTimeout: number): EvenkeelError {
  return new EvenkeelError(
    'EVENKEEL_DRAIN_TIMEOUT',
    `the connection did not drain within ${drainTimeout} ms`,
  );
}
