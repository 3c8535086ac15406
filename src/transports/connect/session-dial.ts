import type * as http2 from 'node:http2';
import type { Socket } from 'node:net';
import { setImmediate } from '../../core/base/clock.ts';
import { outsideRequests } from '../../core/base/context.ts';
import type { Dial, Target } from '../../core/connections/transport.ts';
import type { Dialer } from '../http/dialer.ts';

export interface SessionDialOptions {
  url: URL;
  dialer: Dialer;
  /** What the user tells Node of sessions. */
  nodeOptions: http2.ClientSessionOptions | http2.SecureClientSessionOptions;
}

export interface MadeSession {
  readonly session: http2.ClientHttp2Session;
  readonly socket: Socket;
}

type SessionDone = (error: Error | null, made?: MadeSession) => void;

/**
 * A session of HTTP/2 that is made. It is ready when its peer has begun to speak, and has said how many streams it takes: before,
 * a pod may be taken for one that serves, and be none.
 */
export class SessionDial implements Dial {
  readonly #options: SessionDialOptions;
  readonly #target: Target;
  readonly #done: SessionDone;
  readonly #tcp: Dial;
  #session: http2.ClientHttp2Session | undefined = undefined;
  #socket: Socket | undefined = undefined;
  #settled = false;

  /** `done` is called once, later, unless the dial is given up. */
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
    // Not imported: a process that makes no session has no use for it.
    const { connect } = process.getBuiltinModule('node:http2');
    const session = outsideRequests(() =>
      connect(url.origin, { ...nodeOptions, createConnection: () => socket }),
    );
    this.#socket = socket;
    this.#session = session;
    session.unref();
    session.once('remoteSettings', this.#onReady).once('error', this.#onError).once('close', this.#onClose);
  }

  /** Not in the midst of reading, when Node sends the head of a call at once, and what the call writes in a packet of its own. */
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

  /** A peer that was connected, and has said nothing yet, may serve all the same: connect-node would not wait for its word. */
  timeOut(): void {
    if (this.#session === undefined || this.#session.destroyed) this.#tcp.timeOut();
    else this.#settle(null);
  }

  timeoutError(): Error {
    return this.#tcp.timeoutError();
  }
}

function noop(): void {}
