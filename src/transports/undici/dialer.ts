import { channel } from 'node:diagnostics_channel';
import { connect, isIP, Socket, type TcpNetConnectOpts } from 'node:net';
import type { PeerCertificate } from 'node:tls';
import { buildConnector, type Client, errors } from 'undici';
import { queueMicrotask } from '../../core/base/clock.ts';
import { outsideRequests } from '../../core/base/context.ts';
import { withoutBrackets } from '../../core/base/without-brackets.ts';
import type { Dial, Target } from '../../core/connections/transport.ts';
import { dialPatience } from '../common/dial-patience.ts';

type DialCallback = (error: Error | null, socket: Socket | undefined) => void;

export interface DialerOptions {
  url: URL;
  /** The name for SNI and for the certificate check; '' for an IP address. */
  servername: string;
  client: Client.Options;
  connectTimeout: number;
}

// undici publishes this for dials that it makes itself. For all other dials, evenkeel does, so that tracers see them.
const connectError = channel('undici:client:connectError');

/** Dials endpoints. In all that TLS sees, the name is that of the service. */
export class Dialer {
  readonly #options: DialerOptions;
  /** The TLS session of each endpoint. Held strongly, unlike in undici's own cache. */
  readonly #sessions = new WeakMap<Target, Buffer>();
  /** The connector for endpoints without TLS. */
  #plain: buildConnector.connector | undefined;

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  /** After how many milliseconds a dial times out; 0: never. (A connector of the user's may not do so itself.) */
  get timeout(): number {
    const { client, connectTimeout } = this.#options;
    const own = typeof client.connect === 'object' ? client.connect?.timeout : undefined;
    return own ?? connectTimeout;
  }

  /** After how many milliseconds an unanswered dial counts against its endpoint; at most `timeout`. */
  get patience(): number {
    return dialPatience(this.timeout);
  }

  /** Calls `callback` once, later, unless the dial is given up. */
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
      // undici tells its own connector the same.
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
      // The types say void, but undici's own connector returns the socket.
      const socket: unknown = outsideRequests(() =>
        this.#connectorOf(target)(params as buildConnector.Options, attempt.settle),
      );
      if (socket instanceof Socket) this.#watch(attempt, socket, target);
    } catch (error) {
      attempt.settle(error as Error, null);
    }
    return attempt;
  }

  /**
   * The same, only up to the TCP connection, to learn whether anybody is there. A connector of the user's does all of
   * it.
   */
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

  /** Remembers what is known of a socket before it is connected. */
  #watch(attempt: SocketDial, socket: Socket, target: Target): void {
    attempt.watch(socket);
    socket.on('session', (session: Buffer) => this.#sessions.set(target, session));
  }

  /**
   * With TLS, a new connector for each dial: pods don't share the keys of their tickets, and undici caches sessions by
   * name.
   */
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
      // There is one address, so there is nothing to select.
      autoSelectFamily: false,
      ...connect,
    } as buildConnector.BuildOptions);
  }
}

/** One dial, with a connector that may be the user's: it may call back at once, twice, or without a socket. */
class SocketDial implements Dial {
  /** The name for error messages. */
  readonly #name: string;
  readonly #callback: DialCallback;
  #socket: Socket | null = null;
  #settled = false;
  #abandoned = false;

  constructor(name: string, callback: DialCallback) {
    this.#name = name;
    this.#callback = callback;
  }

  /** Remembers a socket, so that it can be ended before it is connected. */
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
    // A connector may return any Duplex.
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

/** Ends a socket that came too late, as undici does if its Client is gone. */
function destroyUnused(socket: Socket | null): void {
  socket?.on('error', noop).destroy(new errors.ClientDestroyedError());
}

function noop(): void {}

/** If the URL has an IP address, the certificate is checked against that address, not against the dialled one. */
function identityCheck(url: URL, target: Target): object | undefined {
  const hostname = withoutBrackets(url.hostname);
  if (url.protocol !== 'https:' || isIP(hostname) === 0 || hostname === target.info.address) return undefined;
  // Not imported, because Node would then decode all root certificates, which takes half a megabyte.
  const { checkServerIdentity } = process.getBuiltinModule('node:tls');
  return {
    checkServerIdentity: (_dialled: string, certificate: PeerCertificate) =>
      checkServerIdentity(hostname, certificate),
  };
}
