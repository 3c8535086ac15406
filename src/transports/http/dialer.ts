import type { EventEmitter } from 'node:events';
import { connect, isIP, type Socket, type TcpNetConnectOpts } from 'node:net';
import type { ConnectionOptions, PeerCertificate } from 'node:tls';
import { queueMicrotask } from '../../core/base/clock.ts';
import { outsideRequests } from '../../core/base/context.ts';
import type { Dial, Target } from '../../core/connections/transport.ts';
import { DialSteps } from './dial-steps.ts';
import { TlsSessions } from './tls-sessions.ts';

/** Milliseconds after which a dial that goes on says that its endpoint can't be reached now: others can, in less. */
const PATIENCE = 3_000;

type DialCallback = (error: Error | null, socket: Socket | undefined) => void;

export interface DialerOptions {
  url: URL;
  /** The name for SNI and certificate checks; '' for an IP address. */
  servername: string;
  /** What the agent and its request say of how sockets are made, but for where they lead. */
  connect: Readonly<Record<string, unknown>>;
  connectTimeout: number;
  /** The agent that the connections are of, if they are of one: it emits `'keylog'`. */
  agent?: EventEmitter | undefined;
}

/** Dials endpoints as Node's agents do, with the name of the service in all that TLS sees. */
export class Dialer {
  readonly timeout: number;
  readonly patience: number;
  readonly secure: boolean;
  readonly steps = new DialSteps();
  readonly #options: DialerOptions;
  /** Of TLS, if later connections are to take them up. */
  readonly #sessions: TlsSessions | undefined;

  constructor(options: DialerOptions) {
    this.#options = options;
    this.timeout = options.connectTimeout;
    this.patience = Math.min(this.timeout || PATIENCE, PATIENCE);
    this.secure = options.url.protocol === 'https:';
    const { maxCachedSessions } = options.connect;
    if (this.secure && maxCachedSessions !== 0) this.#sessions = new TlsSessions();
  }

  /** `callback` is called once, later, unless the dial is given up. */
  dial(target: Target, callback: DialCallback): Dial {
    const dial = new SocketDial(target, callback);
    try {
      const socket = outsideRequests(() => (this.secure ? this.#connectTls(target) : this.#connect(target)));
      this.steps.follow(socket, this.secure);
      dial.watch(socket, this.secure ? 'secureConnect' : 'connect');
    } catch (error) {
      // Of options that Node doesn't take.
      dial.settle(error as Error);
    }
    return dial;
  }

  /** The same as far as TCP goes, to learn whether anybody is there. */
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

  /** Has later connections to an endpoint take up what was agreed on, now that a request was served. */
  trust(socket: Socket, target: Target): void {
    this.#sessions?.trust(socket, target);
  }

  #connect({ info: { address, port } }: Target): Socket {
    return connect({
      ...this.#options.connect,
      host: address,
      port,
      path: null,
      // One address, which is known: nothing to select.
      autoSelectFamily: false,
    } as unknown as TcpNetConnectOpts);
  }

  #connectTls(target: Target): Socket {
    const { connect: options, servername, agent } = this.#options;
    const { address, port } = target.info;
    const session = this.#sessions?.of(target);
    // Not imported: a process that never asks for https has no use for it.
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

  /** Where the service is named by an IP address, its certificate is checked against that one, not the dialled. */
  #identityCheck(): ConnectionOptions {
    const { url, connect: options } = this.#options;
    const hostname = url.hostname.replace(/^\[|\]$/g, '');
    const check = options.checkServerIdentity as ConnectionOptions['checkServerIdentity'];
    const { checkServerIdentity } = process.getBuiltinModule('node:tls');
    return {
      checkServerIdentity: (_dialled: string, certificate: PeerCertificate) =>
        (check ?? checkServerIdentity)(hostname, certificate),
    };
  }
}

/** Throws what Node throws of options of TLS that it doesn't take: its agents do so as a request is made. */
export function checkTls(options: DialerOptions['connect']): void {
  if (!options.secureContext) process.getBuiltinModule('node:tls').createSecureContext(options);
}

/** The name that TLS asks for, and checks, of a request to a host, as Node's agents have it: that of its Host header. */
export function servernameOf(host: string, header: unknown): string {
  let name = host;
  if (typeof header === 'string' && header !== '') {
    const [, bracketed] = /^\[([^\]]*)\]/.exec(header) ?? [];
    name = bracketed ?? (header.startsWith('[') ? header : header.split(':', 1)[0]!);
  }
  return isIP(name) === 0 ? name : '';
}

/** A socket that connects. */
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
    // TLS that ends in the midst of its handshake says so as an error. What else ends has been given up.
    const onClose = () => this.settle(new Error('the socket was closed'));
    socket.once(ready, onReady).once('error', onError).once('close', onClose);
  }

  settle(error: Error | null): void {
    if (this.#settled) return;
    this.#settled = true;
    const socket = error === null ? this.#socket : undefined;
    if (error !== null) this.#socket?.destroy();
    // What ends meanwhile has nobody yet who listens.
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

  /** As Node says it of a connection that the kernel has given up. */
  timeoutError(): Error {
    const { address, port } = this.#target.info;
    const error = new Error(`connect ETIMEDOUT ${address}:${port}`);
    return Object.assign(error, { errno: -110, code: 'ETIMEDOUT', syscall: 'connect', address, port });
  }
}

function noop(): void {}
