import type { Pod } from './connection.ts';
import type { Dial, Transport } from './transport.ts';

/** Errors of a dial that say that nobody is there. Another error comes from the endpoint (it refuses) or from this host. */
const NOBODY = new Set(['ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN', 'UND_ERR_CONNECT_TIMEOUT']);

/** A dial that asks whether an endpoint is there. Any other result than the errors above counts as an answer. */
export class Knock {
  /** Whether nobody is there. */
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
