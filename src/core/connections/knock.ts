import type { Pod } from './connection.ts';
import type { Dial, Transport } from './transport.ts';

/** Errors of a dial that say that there is nobody. A refusal comes from somebody, others from this host. */
const NOBODY = new Set(['ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN', 'UND_ERR_CONNECT_TIMEOUT']);

/** A dial that asks whether an endpoint is there. Whatever comes of it is an answer, unless it says otherwise. */
export class Knock {
  /** There is nobody. */
  failed = false;
  readonly #dial: Dial;

  constructor(transport: Transport, endpoint: Pod, onAnswer: () => void) {
    this.#dial = transport.knock(endpoint, (error) => {
      this.failed = NOBODY.has((error as NodeJS.ErrnoException | null)?.code ?? '');
      if (!this.failed) onAnswer();
    });
    this.#dial.unref();
  }

  abandon(): void {
    this.#dial.abandon();
  }
}
