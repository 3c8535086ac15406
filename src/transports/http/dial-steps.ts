import type { Socket } from 'node:net';

/** A dial has begun, or its TCP connection exists. */
export type DialStep = 'begun' | 'connected';

type OnStep = (step: DialStep, socket: Socket) => void;

/** How far the dials of a service are, for requests that have no other socket yet. */
export class DialSteps {
  readonly #handshakes = new Set<Socket>();
  readonly #listeners = new Set<OnStep>();

  /** A socket with a TCP connection, for which only TLS is missing; if there is one. */
  get handshake(): Socket | undefined {
    const [socket] = this.#handshakes;
    return socket;
  }

  /** Follows a dial that has just begun. */
  follow(socket: Socket, secure: boolean): void {
    this.#tell('begun', socket);
    socket.once('connect', () => {
      if (secure) this.#followHandshake(socket);
      this.#tell('connected', socket);
    });
  }

  #followHandshake(socket: Socket): void {
    const end = () => {
      this.#handshakes.delete(socket);
      socket.off('secureConnect', end).off('close', end);
    };
    this.#handshakes.add(socket);
    socket.on('secureConnect', end).on('close', end);
  }

  #tell(step: DialStep, socket: Socket): void {
    for (const onStep of this.#listeners) onStep(step, socket);
  }

  on(onStep: OnStep): void {
    this.#listeners.add(onStep);
  }

  off(onStep: OnStep): void {
    this.#listeners.delete(onStep);
  }
}
