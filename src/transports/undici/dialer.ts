import { channel } from 'node:diagnostics_channel';
import { connect, isIP, Socket, type TcpNetConnectOpts } from 'node:net';
import type { PeerCertificate } from 'node:tls';
import { buildConnector, type Client, errors } from 'undici';
import { queueMicrotask } from '../../core/base/clock.ts';
import { outsideRequests } from '../../core/base/context.ts';
import type { Dial, Target } from '../../core/connections/transport.ts';

/** Milliseconds after which a dial that goes on says that its endpoint can't be reached now: others can, in less. */
const PATIENCE = 3_000;

type DialCallback = (error: Error | null, socket: Socket | undefined) => void;

export interface DialerOptions {
  url: URL;
  /** The name for SNI and certificate checks; '' for an IP address. */
  servername: string;
  client: Client.Options;
  connectTimeout: number;
}

// Connectors that undici calls publish this; those it doesn't know of would be missed by tracers.
const connectError = channel('undici:client:connectError');

/** Dials endpoints, with the name of the service in all that TLS sees. */
export class Dialer {
  readonly #options: DialerOptions;
  /** One for each endpoint. Held strongly; undici's own cache of sessions doesn't. */
  readonly #sessions = new WeakMap<Target, Buffer>();
  /** For endpoints without TLS. */
  #plain: buildConnector.connector | undefined;

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  /** Milliseconds after which a dial should be timed out; 0: never. A connector of the user's may not do so. */
  get timeout(): number {
    const { client, connectTimeout } = this.#options;
    const own = typeof client.connect === 'object' ? client.connect?.timeout : undefined;
    return own ?? connectTimeout;
  }

  /** Milliseconds after which a dial that isn't answered tells something about its endpoint; no more than `timeout`. */
  get patience(): number {
    return Math.min(this.timeout || PATIENCE, PATIENCE);
  }

  /** `callback` is called once, later, unless the dial is given up. */
  dial(target: Target, callback: DialCallback): Dial {
    const { url, servername, client } = this.#options;
    const { address, port } = target.info;
    const params = {
      hostname: address,
      host: url.host,
      protocol: url.protocol,
      port: String(port),
      ...(url.protocol === 'https:' && servername !== '' ? { servername } : undefined),
      localAddress: client.localAddress ?? null,
      // undici has its own connector know that by itself.
      ...(typeof client.connect === 'function' && client.allowH2 != null
        ? { allowH2: client.allowH2 }
        : undefined),
    };
    const attempt = new SocketDial(`${address}:${port}, timeout: ${this.timeout}ms`, (error, socket) => {
      if (error !== null && connectError.hasSubscribers) {
        connectError.publish({ connectParams: params, connector: this, error });
      }
      callback(error, socket);
    });
    try {
      // The types say void, yet undici's own connector returns the socket.
      const socket: unknown = outsideRequests(() =>
        this.#connectorOf(target)(params as buildConnector.Options, attempt.settle),
      );
      if (socket instanceof Socket) this.#watch(attempt, socket, target);
    } catch (error) {
      attempt.settle(error as Error, null);
    }
    return attempt;
  }

  /** The same as far as TCP goes, to learn whether anybody is there. A connector of the user's goes all the way. */
  knock(target: Target, callback: DialCallback): Dial {
    const { connect: options, localAddress } = this.#options.client;
    if (typeof options === 'function') return this.dial(target, callback);
    const { address: host, port } = target.info;
    const attempt = new SocketDial(`${host}:${port}`, callback);
    const socket = outsideRequests(() =>
      connect({
        ...options,
        localAddress,
        host,
        port,
      } as TcpNetConnectOpts),
    );
    socket.once('connect', () => attempt.settle(null, socket));
    socket.on('error', (error) => attempt.settle(error, null));
    this.#watch(attempt, socket, target);
    return attempt;
  }

  /** Keeps what can be known of a socket before it is connected. */
  #watch(attempt: SocketDial, socket: Socket, target: Target): void {
    attempt.watch(socket);
    socket.on('session', (session: Buffer) => this.#sessions.set(target, session));
  }

  /** With TLS, one for each dial: pods don't share the keys of their tickets, and undici's cache goes by name. */
  #connectorOf(target: Target): buildConnector.connector {
    if (this.#options.url.protocol === 'https:') return this.#build(target);
    this.#plain ??= this.#build(target);
    return this.#plain;
  }

  #build(target: Target): buildConnector.connector {
    const { url, servername, client, connectTimeout } = this.#options;
    const tlsSession = this.#sessions.get(target);
    const { connect, allowH2, h2Options, maxCachedSessions } = client;
    if (typeof connect === 'function') return connect;
    return buildConnector({
      ...(servername === '' ? identityCheck(url, target) : undefined),
      ...(tlsSession !== undefined && maxCachedSessions !== 0 ? { session: tlsSession } : undefined),
      ...(client as { tls?: object }).tls,
      ...(maxCachedSessions !== undefined ? { maxCachedSessions } : undefined),
      ...(allowH2 !== undefined ? { allowH2 } : undefined),
      ...{ useH2c: h2Options?.useH2c ?? (client as { useH2c?: boolean }).useH2c ?? false },
      timeout: connectTimeout,
      // One address, which is known: nothing to select.
      autoSelectFamily: false,
      ...connect,
    } as buildConnector.BuildOptions);
  }
}

/** One dial, by a connector that may be of the user's: it may call back at once, again, or with nothing. */
class SocketDial implements Dial {
  /** What it is about, for an error. */
  readonly #name: string;
  readonly #callback: DialCallback;
  #socket: Socket | null = null;
  #settled = false;
  #abandoned = false;

  constructor(name: string, callback: DialCallback) {
    this.#name = name;
    this.#callback = callback;
  }

  /** Has a socket to end before it is connected. */
  watch(socket: Socket): void {
    this.#socket ??= socket;
  }

  readonly settle: buildConnector.Callback = (error, socket) => {
    if (this.#settled) {
      if (socket && socket !== this.#socket) socket.destroy();
      return;
    }
    this.#settled = true;
    this.#socket = socket;
    queueMicrotask(() => {
      if (this.#abandoned) destroyUnused(socket);
      else if (socket) this.#callback(null, socket);
      else this.#callback(error ?? new Error('the connector gave no socket'), undefined);
    });
  };

  abandon(): void {
    this.#abandoned = true;
    destroyUnused(this.#socket);
  }

  unref(): void {
    // A connector may give any Duplex.
    this.#socket?.unref?.();
  }

  timeOut(): void {
    this.#socket?.destroy();
    this.settle(this.timeoutError(), null);
  }

  timeoutError(): Error {
    return new errors.ConnectTimeoutError(`Connect Timeout Error (attempted address: ${this.#name})`);
  }
}

/** As undici ends one that a connector yields for a Client that is gone. */
function destroyUnused(socket: Socket | null): void {
  socket?.on('error', noop).destroy(new errors.ClientDestroyedError());
}

function noop(): void {}

/** Where the service itself is named by an IP address, its certificate is checked against that one, not the dialled. */
function identityCheck(url: URL, target: Target): object | undefined {
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  if (url.protocol !== 'https:' || isIP(hostname) === 0 || hostname === target.info.address) return undefined;
  // Not imported: for its list of names, Node would decode all root certificates, which takes half a megabyte.
  const { checkServerIdentity } = process.getBuiltinModule('node:tls');
  return {
    checkServerIdentity: (_dialled: string, certificate: PeerCertificate) =>
      checkServerIdentity(hostname, certificate),
  };
}
