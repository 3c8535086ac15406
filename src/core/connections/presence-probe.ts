import type { Dial, Dialer } from '../../transports/undici/dialer.ts';
import type { Endpoint } from '../endpoints/endpoint.ts';

/** Errors of a dial that say that there is nobody. A refusal comes from somebody, others from this host. */
const NOBODY = new Set(['ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN', 'UND_ERR_CONNECT_TIMEOUT']);

/** A dial that asks whether an endpoint is there. Whatever comes of it is an answer, unless it says otherwise. */
export class Probe {
  /** There is nobody. */
  failed = false;
  readonly #dial: Dial;

  constructor(dialer: Dialer, endpoint: Endpoint, onAnswer: () => void) {
    this.#dial = dialer.knock(endpoint, (error, socket) => {
      socket?.on('error', () => {}).destroy();
      this.failed = NOBODY.has((error as NodeJS.ErrnoException | null)?.code ?? '');
      if (!this.failed) onAnswer();
    });
    this.#dial.unref();
  }

  abandon(): void {
    this.#dial.abandon();
  }
}
