import { UnresponsiveError } from '../base/errors.ts';
import type { Connection, Pod } from './connection.ts';
import { type Hearing, isAccepted } from './hearing.ts';
import type { Unacknowledged } from './unacknowledged.ts';

/**
 * Notices connections through a virtual IP whose pod has vanished. Another dial would tell nothing
 * of the pod that this one leads to, so the kernel is asked whether the pod has acknowledged what was sent.
 * A pod that does so and vanishes later is found by the kernel's own keep-alive probes, in about a minute.
 */
export class SilentSockets {
  /** Looks without a byte, while one is expected. */
  readonly #silent = new WeakMap<Connection, number>();
  readonly #patience: number;
  readonly #hearing: Hearing;
  #suspects: Connection[] = [];

  /** @param patience looks without a byte from one question to the next */
  constructor(patience: number, hearing: Hearing) {
    this.#patience = patience;
    this.#hearing = hearing;
  }

  get hasSuspects(): boolean {
    return this.#suspects.length > 0;
  }

  look({ connections }: Pod): void {
    for (const connection of connections) {
      const spoken = this.#hearing.hasSpoken(connection.wire);
      const silent = spoken || !connection.busy ? 0 : (this.#silent.get(connection) ?? 0) + 1;
      this.#silent.set(connection, silent);
      // One that was never heard may wait in the accept queue of a pod that has much to do.
      if (silent > 0 && silent % this.#patience === 0 && isAccepted(connection.wire)) {
        this.#suspects.push(connection);
      }
    }
  }

  /** Ends those that were found suspect, and are. */
  judge(known: Unacknowledged): void {
    const suspects = this.#suspects;
    this.#suspects = [];
    for (const connection of suspects) {
      if (
        !connection.busy ||
        known.get(connection.wire.ports ?? '') !== true ||
        this.#hearing.hasSpoken(connection.wire)
      )
        continue;
      const message = `a pod behind ${connection.endpoint.address} has not acknowledged what was sent`;
      connection.destroy(new UnresponsiveError(message));
    }
  }
}
