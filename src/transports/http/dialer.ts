import type { EventEmitter } from 'node:events';
import { connect, isIP, type Socket, type TcpNetConnectOpts } from 'node:net';
import type { ConnectionOptions, PeerCertificate } from 'node:tls';
import { queueMicrotask } from '../../core/base/clock.ts';
import { outsideRequests } from '../../core/base/context.ts';
import { withoutBrackets } from '../../core/base/without-brackets.ts';
import type { Dial, Target } from '../../core/connections/transport.ts';
import { dialPatience } from '../common/dial-patience.ts';
import { DialSteps } from './dial-steps.ts';
import { TlsSessions } from './tls-sessions.ts';

type DialCallback = (error: Error | null, socket: Socket | undefined) => void;

export interface DialerOptions {
  url: URL;
  /** The name for SNI and for the certificate check; '' for an IP address. */
  servername: string;
  /** The options of the agent and the request for making sockets, without those that say where to. */
  connect: Readonly<Record<string, unknown>>;
  connectTimeout: number;
  /** The agent, if it shares its connections with no other. It emits `'keylog'`. */
  agent?: EventEmitter | undefined;
  /** Makes a socket that connects without TLS; default: Node's `connect`. */
  connectTcp?: (options: TcpNetConnectOpts) => Socket;
}

/** Dials endpoints as Node's agents do. In all that TLS sees, the name is that of the service. */
export class Dialer {
  readonly timeout: number;
  readonly patience: number;
  readonly secure: boolean;
  readonly steps = new DialSteps();
  readonly #options: DialerOptions;
  /** TLS sessions, if later connections resume them. */
  readonly #sessions: TlsSessions | undefined;

  constructor(options: DialerOptions) {
    this.#options = options;
    this.timeout = options.connectTimeout;
    this.patience = dialPatience(this.timeout);
    this.secure = options.url.protocol === 'https:';
    const { maxCachedSessions } = options.connect;
    if (this.secure && maxCachedSessions !== 0) this.#sessions = new TlsSessions();
  }

  /** Calls `callback` once, later, unless the dial is given up. */
  dial(target: Target, callback: DialCallback): Dial {
    const dial = new SocketDial(target, callback);
    try {
      const socket = outsideRequests(() => (this.secure ? this.#connectTls(target) : this.#connect(target)));
      this.steps.follow(socket, this.secure);
      dial.watch(socket, this.secure ? 'secureConnect' : 'connect');
    } catch (error) {
      // Node doesn't accept an option.
      dial.settle(error as Error);
    }
    return dial;
  }

  /** The same, only up to the TCP connection, to learn whether anybody is there. */
  knock(target: Target, callback: DialCallback): Dial {
    const dial = new SocketDial(target, callback);
    try {
      dial.watch(
        outsideRequests(() => this.#connect(target)),
        'connect',
      );
    } catch (error) {
      dial.settle(error as Error);
    }
    return dial;
  }

  /** A request was served. Later connections to this endpoint may resume the TLS session. */
  trust(socket: Socket, target: Target): void {
    this.#sessions?.trust(socket, target);
  }

  #connect({ info: { address, port } }: Target): Socket {
    const { connectTcp = connect } = this.#options;
    return connectTcp({
      ...this.#options.connect,
      host: address,
      port,
      path: null,
      // There is one address, so there is nothing to select.
      autoSelectFamily: false,
    } as unknown as TcpNetConnectOpts);
  }

  #connectTls(target: Target): Socket {
    const { connect: options, servername, agent } = this.#options;
    const { address, port } = target.info;
    const session = this.#sessions?.of(target);
    // Not imported, because a process that never uses https doesn't need it.
    const socket = process.getBuiltinModule('node:tls').connect({
      ...(session !== undefined ? { session } : undefined),
      ...options,
      ...(servername === '' ? this.#identityCheck() : undefined),
      servername,
      host: address,
      port,
      path: null,
      autoSelectFamily: false,
    } as unknown as ConnectionOptions);
    this.#sessions?.watch(socket, target);
    if (agent !== undefined && agent.listenerCount('keylog') > 0) {
      socket.on('keylog', (line) => agent.emit('keylog', line, socket));
    }
    return socket;
  }

  /** If the URL has an IP address, the certificate is checked against that address, not against the dialled one. */
  #identityCheck(): ConnectionOptions {
    const { url, connect: options } = this.#options;
    const hostname = withoutBrackets(url.hostname);
    const check = options.checkServerIdentity as ConnectionOptions['checkServerIdentity'];
    const { checkServerIdentity } = process.getBuiltinModule('node:tls');
    return {
      checkServerIdentity: (_dialled: string, certificate: PeerCertificate) =>
        (check ?? checkServerIdentity)(hostname, certificate),
    };
  }
}

/** @throws what Node throws for TLS options that it doesn't accept. Node's agents do so when a request is made */
export function checkTls(options: DialerOptions['connect']): void {
  if (!options.secureContext) process.getBuiltinModule('node:tls').createSecureContext(options);
}

/** The name that TLS asks for and checks, for a request to a host, as with Node's agents: that of its Host header. */
export function servernameOf(host: string, header: unknown): string {
  let name = host;
  if (typeof header === 'string' && header !== '') {
    const [, bracketed] = /^\[([^\]]*)\]/.exec(header) ?? [];
    name = bracketed ?? (header.startsWith('[') ? header : header.split(':', 1)[0]!);
  }
  return isIP(name) === 0 ? name : '';
}

/** A dial, with its socket. */
class SocketDial implements Dial {
  readonly #target: Target;
  readonly #callback: DialCallback;
  #socket: Socket | undefined = undefined;
  #settled = false;
  #abandoned = false;

  constructor(target: Target, callback: DialCallback) {
    this.#target = target;
    this.#callback = callback;
  }

  watch(socket: Socket, ready: string): void {
    this.#socket = socket;
    const onReady = () => {
      socket.off('error', onError).off('close', onClose);
      this.settle(null);
    };
    const onError = (error: Error) => {
      socket.off(ready, onReady).off('close', onClose).on('error', noop);
      this.settle(error);
    };
    // If TLS ends during its handshake, the socket emits an error. Any other end means that the dial was given up.
    const onClose = () => this.settle(new Error('the socket was closed'));
    socket.once(ready, onReady).once('error', onError).once('close', onClose);
  }

  settle(error: Error | null): void {
    if (this.#settled) return;
    this.#settled = true;
    const socket = error === null ? this.#socket : undefined;
    if (error !== null) this.#socket?.destroy();
    // If it ends now, nobody listens yet.
    socket?.on('error', noop);
    queueMicrotask(() => {
      if (this.#abandoned) {
        socket?.destroy();
        return;
      }
      this.#callback(error, socket);
      socket?.off('error', noop);
    });
  }

  abandon(): void {
    this.#abandoned = true;
    this.#socket?.on('error', noop).destroy();
  }

  unref(): void {
    this.#socket?.unref();
  }

  timeOut(): void {
    const error = this.timeoutError();
    this.#socket?.on('error', noop).destroy();
    this.settle(error);
  }

  /** The error that Node gives for a connection that the kernel has given up. */
  timeoutError(): Error {
    const { address, port } = this.#target.info;
    const error = new Error(`connect ETIMEDOUT ${address}:${port}`);
    return Object.assign(error, { errno: -110, code: 'ETIMEDOUT', syscall: 'connect', address, port });
  }
}

function noop(): void {}
