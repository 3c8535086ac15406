import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../core/base/clock.ts';
import { connectingSocket } from './connecting-socket.ts';
import type { DialStep, DialSteps } from './dial-steps.ts';
import { interceptNext } from './next-event.ts';
import { onceListenersOf } from './once-listeners.ts';
import { tellAgain } from './repeated.ts';
import { SwitchingSocket } from './switching-socket.ts';
import type { Waiting } from './waiting.ts';

/** Milliseconds after which a request that still waits for its connection is given a socket that stands for it. */
const SHOWN_AFTER = 250;

export interface StandInOptions {
  readonly clock: Clock;
  /** Its connection is to be one of TLS. */
  readonly secure: boolean;
  /** How far the dials are that may bring it, once there are any. */
  readonly dials?: DialSteps;
  /** The request has told of a socket before. */
  readonly isRepeat: boolean;
}

/**
 * A socket that connects, for a request that waits for a connection. With Node's agents a request has its socket by then, and
 * callers lean on that: they set a time on it, within which they want it connected, or destroy it, as an agent does
 * that is destroyed.
 *
 * It stands in the agent's map from the beginning. The request is told of it when its connection takes long. It becomes the socket
 * that the request gets, which it isn't told of then.
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

  /** Tells the request of it, unless it knows. */
  show(): void {
    const { request } = this.#waiting;
    const { socket } = this;
    if (request.socket === socket) return;
    // Callers and Node's own ask the request for it: what is set from now on is set on this one.
    request.socket = socket;
    const isHeard = request.listenerCount('socket') > 0;
    if (isHeard) this.#tell();
    if (request.destroyed) return;
    interceptNext(request, 'socket', (pass, real) => {
      this.#socket!.become(real as Socket);
      return isHeard || pass();
    });
    const { dials } = this.#options;
    const handshake = dials?.handshake;
    dials?.on(this.#onStep);
    if (handshake !== undefined) this.#onStep('connected', handshake);
  }

  #tell(): void {
    const { secure, isRepeat } = this.#options;
    const { request } = this.#waiting;
    if (secure) onceListenersOf(request);
    const tell = () => request.emit('socket', this.socket);
    if (isRepeat) tellAgain(request, tell);
    else tell();
  }

  /** From here on it is TLS that takes its time, which callers limit in another way. */
  readonly #onStep = (step: DialStep, socket: Socket): void => {
    if (step === 'connected' && this.#options.secure) this.#waiting.run(() => this.#socket!.hasTcp(socket));
  };

  /** The request waits no more. */
  stop(): void {
    this.#timer.cancel();
    this.#options.dials?.off(this.#onStep);
  }

  /** There will be no connection. */
  end(error: Error): void {
    this.#socket?.socket.destroy(error);
  }
}
