import type { Clock, Timer } from '../../core/base/clock.ts';
import type { DialStep, DialSteps } from './dial-steps.ts';
import { hasWrites } from './held-writes.ts';
import type { NodeRequest } from './node-http.ts';

/** That a dial has begun, and that its TCP connection is there. */
const STEPS = 2;

export interface ConnectTimeOptions {
  readonly clock: Clock;
  readonly milliseconds: number;
  /** How far the dials are that may bring the request its socket, once there are any. */
  readonly dials: DialSteps | undefined;
}

/**
 * The timeout of a request while it has no socket. With Node's agents, a connecting socket has this timeout: it begins
 * again when the name was looked up and when TCP is connected, and TLS gets it twice if there is something to write.
 * Here each of these happens once, however many dials there are.
 */
export class ConnectTime {
  readonly #options: ConnectTimeOptions;
  readonly #onOver: () => void;
  readonly #steps = new Set<DialStep>();
  readonly #patience: HandshakePatience;
  #timer: Timer;

  constructor(request: NodeRequest, options: ConnectTimeOptions, onOver: () => void) {
    this.#options = options;
    this.#onOver = onOver;
    this.#patience = new HandshakePatience(request, options.dials);
    this.#timer = this.#begin();
    options.dials?.on(this.#onStep);
  }

  #begin(): Timer {
    const { clock, milliseconds } = this.#options;
    return clock.schedule(this.#onTime, milliseconds);
  }

  readonly #onStep = (step: DialStep): void => {
    if (this.#steps.has(step)) return;
    this.#steps.add(step);
    // Many requests may wait for many dials: each hears of the first alone.
    if (this.#steps.size === STEPS) this.#options.dials?.off(this.#onStep);
    this.#timer.cancel();
    this.#timer = this.#begin();
  };

  readonly #onTime = (): void => {
    if (this.#patience.takesMore()) {
      this.#timer = this.#begin();
    } else {
      this.stop();
      this.#onOver();
    }
  };

  stop(): void {
    this.#timer.cancel();
    this.#options.dials?.off(this.#onStep);
  }
}

/** Node gives a socket its timeout twice if a write waits for TLS, because the handshake counts as a write under way. */
export class HandshakePatience {
  readonly #request: NodeRequest;
  readonly #dials: DialSteps | undefined;
  #isSpent = false;

  constructor(request: NodeRequest, dials: DialSteps | undefined) {
    this.#request = request;
    this.#dials = dials;
  }

  /** Whether the time that is over begins again. */
  takesMore(): boolean {
    if (this.#isSpent || this.#dials?.handshake === undefined || !hasWrites(this.#request)) return false;
    this.#isSpent = true;
    return true;
  }
}
