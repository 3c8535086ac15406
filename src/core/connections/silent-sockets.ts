import { UnresponsiveError } from '../base/errors.ts';
import type { Connection, Pod } from './connection.ts';
import { type Hearing, isAccepted } from './hearing.ts';
import type { Unacknowledged } from './unacknowledged.ts';

/**
 * Notices connections through a virtual IP whose pod has vanished. Another dial would say nothing about that pod, so
 * the kernel is asked whether the pod acknowledges what was sent. If a pod acknowledges it and vanishes later, the
 * kernel's own keep-alive probes notice that, after about a minute.
 */
export class SilentSockets {
  /** How many silent looks each connection has had, while it owed a response. */
  readonly #silent = new WeakMap<Connection, number>();
  readonly #patience: number;
  readonly #hearing: Hearing;
  #suspects: Connection[] = [];

  /** @param patience after how many silent looks the kernel is asked */
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
      // If nothing ever came, the connection may wait in the accept queue of a busy pod.
      if (silent > 0 && silent % this.#patience === 0 && isAccepted(connection.wire)) {
        this.#suspects.push(connection);
      }
    }
  }

  /** Ends the suspects whose peer acknowledges nothing. */
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
