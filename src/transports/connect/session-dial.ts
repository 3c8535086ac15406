import type * as http2 from 'node:http2';
import type { Socket } from 'node:net';
import { setImmediate } from '../../core/base/clock.ts';
import { outsideRequests } from '../../core/base/context.ts';
import type { Dial, Target } from '../../core/connections/transport.ts';
import type { Dialer } from '../http/dialer.ts';

export interface SessionDialOptions {
  url: URL;
  dialer: Dialer;
  /** The user's options for Node's sessions. */
  nodeOptions: http2.ClientSessionOptions | http2.SecureClientSessionOptions;
}

export interface MadeSession {
  readonly session: http2.ClientHttp2Session;
  readonly socket: Socket;
}

type SessionDone = (error: Error | null, made?: MadeSession) => void;

/**
 * Makes an HTTP/2 session. The session is ready when its peer has sent its first frame, with its limit on streams.
 * Before that, something may accept connections that is no HTTP/2 server.
 */
export class SessionDial implements Dial {
  readonly #options: SessionDialOptions;
  readonly #target: Target;
  readonly #done: SessionDone;
  readonly #tcp: Dial;
  #session: http2.ClientHttp2Session | undefined = undefined;
  #socket: Socket | undefined = undefined;
  #settled = false;

  /** Calls `done` once, later, unless the dial is given up. */
  constructor(target: Target, options: SessionDialOptions, done: SessionDone) {
    this.#options = options;
    this.#target = target;
    this.#done = done;
    this.#tcp = options.dialer.dial(target, (error, socket) => {
      if (socket === undefined) this.#settle(error!);
      else this.#greet(socket);
    });
  }

  #greet(socket: Socket): void {
    const { url, nodeOptions } = this.#options;
    // Not imported, because a process that makes no session doesn't need it.
    const { connect } = process.getBuiltinModule('node:http2');
    const session = outsideRequests(() =>
      connect(url.origin, { ...nodeOptions, createConnection: () => socket }),
    );
    this.#socket = socket;
    this.#session = session;
    session.unref();
    session.once('remoteSettings', this.#onReady).once('error', this.#onError).once('close', this.#onClose);
  }

  /** Not while Node reads: it would send the head of a call at once, and the call's data in another packet. */
  readonly #onReady = (): void => {
    setImmediate(() => this.#settle(null));
  };

  readonly #onError = (error: Error): void => this.#settle(error);

  readonly #onClose = (): void => {
    this.#settle(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }));
  };

  #settle(error: Error | null): void {
    if (this.#settled) return;
    this.#settled = true;
    const session = this.#session;
    const socket = this.#socket;
    session
      ?.off('remoteSettings', this.#onReady)
      .off('error', this.#onError)
      .off('close', this.#onClose)
      .on('error', noop);
    if (error !== null || session === undefined || socket === undefined) {
      session?.destroy();
      this.#done(error);
      return;
    }
    this.#options.dialer.trust(socket, this.#target);
    this.#done(null, { session, socket });
  }

  abandon(): void {
    this.#settled = true;
    this.#tcp.abandon();
    this.#session?.on('error', noop).destroy();
  }

  unref(): void {
    this.#tcp.unref();
  }

  /**
   * A peer that has accepted the connection, but sent nothing yet, may still serve. connect-node would not wait for its
   * first frame.
   */
  timeOut(): void {
    if (this.#session === undefined || this.#session.destroyed) this.#tcp.timeOut();
    else this.#settle(null);
  }

  timeoutError(): Error {
    return this.#tcp.timeoutError();
  }
}

function noop(): void {}
