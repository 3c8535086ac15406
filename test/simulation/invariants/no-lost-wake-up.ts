import type { Pod } from '../../../src/core/connections/connection.ts';
import type { PlayedCall } from '../played.ts';
import { Invariant } from './invariant.ts';

/** Calls that are looked at, of those that wait: where there are many, the first ones tell. */
const FIRST = 8;

/**
 * Nothing waits while an endpoint that may have it has room: whatever makes room, or makes an endpoint fit again, wakes who
 * waits. What has a key waits for its endpoint, what lasts for the one that was chosen, and what has failed somewhere for
 * another one.
 */
export class NoLostWakeUp extends Invariant {
  readonly name = 'no lost wake-up';

  override onStep(): void {
    const { service, live } = this.scene;
    if (service.waiting === 0) return;
    let left = FIRST;
    for (const call of live) {
      if (!call.waiting) continue;
      this.#lookAt(call);
      if (--left === 0) return;
    }
  }

  #lookAt(call: PlayedCall): void {
    const { endpoint } = call;
    const failed = call.history?.failed ?? [];
    const isBound = (call.keyHash >= 0 || call.lasting) && failed.length === 0;
    if (isBound) {
      if (endpoint === undefined) return;
      const takes = endpoint.isHealthy && !endpoint.isDraining && endpoint.requestRoom > 0;
      if (takes && hasRoom(endpoint))
        this.violate(`call ${call.id} waits for ${endpoint.key}, which has room`);
      return;
    }
    const { ready } = this.scene.service.pool.board.pickers;
    for (const other of this.#endpoints) {
      if (other.picker !== ready || failed.includes(other) || !hasRoom(other)) continue;
      this.violate(`call ${call.id} waits, and ${other.key} has room`);
      return;
    }
  }

  get #endpoints(): Iterable<Pod> {
    const { endpoints } = this.scene.service;
    return endpoints.pods.size > 0 || endpoints.superseded.size > 0 ? endpoints : endpoints.connected;
  }
}

function hasRoom({ connections }: Pod): boolean {
  for (const { room, wire } of connections) if (room && !wire.broken) return true;
  return false;
}
