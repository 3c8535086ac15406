import { Socket } from 'node:net';
import type { Clock, Timer } from '../../core/base/clock.ts';
import { HandshakePatience } from './connect-time.ts';
import type { DialStep, DialSteps } from './dial-steps.ts';
import { hangUp } from './failures.ts';
import { interceptNext } from './next-event.ts';
import { onceListenersOf } from './once-listeners.ts';
import { tellAgain } from './repeated.ts';
import { SwitchingSocket } from './switching-socket.ts';
import type { Waiting } from './waiting.ts';

/** Milliseconds after which a request that still waits for its connection is given a socket that stands for it. */
const SHOWN_AFTER = 250;

/** What callers ask a socket with TLS for: there is no answer before it is connected. */
const ASKED_OF_TLS = [
  'getPeerCertificate',
  'getPeerX509Certificate',
  'isSessionReused',
  'getCipher',
  'getProtocol',
];

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
    this.#timer = options.clock.schedule(() => waiting.run(() => this.#show()), SHOWN_AFTER);
  }

  get socket(): Socket {
    return (this.#socket ??= this.#make()).socket;
  }

  #make(): SwitchingSocket {
    const socket = new Socket();
    let reason: Error | undefined;
    const patience = new HandshakePatience(this.#waiting.request, this.#options.dials);
    const { emit } = socket;
    Object.assign(socket, {
      connecting: true,
      emit(event: string, ...args: unknown[]): boolean {
        if (event !== 'timeout' || !patience.takesMore())
          return Reflect.apply(emit, socket, [event, ...args]);
        socket.setTimeout(socket.timeout!);
        return true;
      },
    });
    socket
      .on('error', (error) => {
        reason = error;
      })
      // Node's own listener finds no request at it: one that has it would write to it.
      .on('timeout', () => {
        if (this.#waiting.request.timeoutCb !== null) this.#waiting.onTimeout();
      })
      .on('close', () => this.#waiting.run(() => this.#waiting.request.destroy(reason ?? hangUp())));
    if (this.#options.secure) {
      const answers = ASKED_OF_TLS.map((name) => [name, () => undefined]);
      Object.assign(socket, { encrypted: true, authorized: false, ...Object.fromEntries(answers) });
    }
    return new SwitchingSocket(socket);
  }

  #show(): void {
    const { request } = this.#waiting;
    if (request.listenerCount('socket') === 0) return;
    const { socket } = this;
    if (this.#options.secure) onceListenersOf(request);
    // Callers and Node's own ask the request for it: what is set from now on is set on this one.
    request.socket = socket;
    const tell = () => request.emit('socket', socket);
    if (this.#options.isRepeat) tellAgain(request, tell);
    else tell();
    if (request.destroyed) return;
    interceptNext(request, 'socket', (_pass, real) => {
      this.#socket!.become(real as Socket);
      return true;
    });
    const { dials } = this.#options;
    const handshake = dials?.handshake;
    dials?.on(this.#onStep);
    if (handshake !== undefined) this.#onStep('connected', handshake);
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
