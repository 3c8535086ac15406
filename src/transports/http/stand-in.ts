import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../core/base/clock.ts';
import { connectingSocket } from './connecting-socket.ts';
import type { DialStep, DialSteps } from './dial-steps.ts';
import { interceptNext } from './next-event.ts';
import { onceListenersOf } from './once-listeners.ts';
import { tellAgain } from './repeated.ts';
import { SwitchingSocket } from './switching-socket.ts';
import type { Waiting } from './waiting.ts';

/** After how many milliseconds a waiting request gets a socket that stands in for its connection. */
const SHOWN_AFTER = 250;

export interface StandInOptions {
  readonly clock: Clock;
  /** Whether its connection will use TLS. */
  readonly secure: boolean;
  /** How far the dials are that may bring the connection, once there are any. */
  readonly dials?: DialSteps;
  /** Whether the request has emitted `'socket'` before. */
  readonly isRepeat: boolean;
}

/**
 * A connecting socket, for a request that waits for a connection. With Node's agents, a request has its socket by then,
 * and callers rely on that: they set a timeout on it, in which it must connect, or destroy it, as an agent does that is
 * destroyed.
 *
 * It is in the agent's map from the beginning. The request emits `'socket'` with it if its connection takes long. Later
 * it becomes the real socket, and the request emits nothing more.
 */
export class StandIn {
  readonly #waiting: Waiting;
  readonly #options: StandInOptions;
  readonly #timer: Timer;
  #socket: SwitchingSocket | undefined;

  constructor(waiting: Waiting, options: StandInOptions) {
    this.#waiting = waiting;
    this.#options = options;
    waiting.beforeTimeout = () => this.show();
    this.#timer = options.clock.schedule(() => waiting.run(() => this.show()), SHOWN_AFTER);
  }

  get socket(): Socket {
    return (this.#socket ??= this.#make()).socket;
  }

  #make(): SwitchingSocket {
    const { secure, dials } = this.#options;
    return new SwitchingSocket(connectingSocket(this.#waiting, secure, dials));
  }

  /** Makes the request emit `'socket'`, unless it has. */
  show(): void {
    const { request } = this.#waiting;
    const { socket } = this;
    if (request.socket === socket) return;
    // Callers, and Node itself, ask the request for its socket: what they set from now on is set on this one.
    request.socket = socket;
    const isHeard = request.listenerCount('socket') > 0;
    if (isHeard) this.#tell();
    if (request.destroyed) return;
    interceptNext(request, 'socket', (pass, real) => {
      this.#socket!.become(real as Socket);
      return isHeard || pass();
    });
    if (this.#options.secure) this.#awaitHandshake();
  }

  /** From then on, TLS takes the time. Callers limit that in another way. */
  #awaitHandshake(): void {
    const { dials } = this.#options;
    const handshake = dials?.handshake;
    if (handshake !== undefined) this.#onStep('connected', handshake);
    else dials?.on(this.#onStep);
  }

  #tell(): void {
    const { secure, isRepeat } = this.#options;
    const { request } = this.#waiting;
    if (secure) onceListenersOf(request);
    const tell = () => request.emit('socket', this.socket);
    if (isRepeat) tellAgain(request, tell);
    else tell();
  }

  readonly #onStep = (step: DialStep, socket: Socket): void => {
    if (step !== 'connected') return;
    this.#options.dials?.off(this.#onStep);
    this.#waiting.run(() => this.#socket!.hasTcp(socket));
  };

  /** The request no longer waits. */
  stop(): void {
    this.#timer.cancel();
    this.#options.dials?.off(this.#onStep);
  }

  /** There will be no connection. */
  end(error: Error): void {
    this.#socket?.socket.destroy(error);
  }
}
