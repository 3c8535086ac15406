import type { Pod } from '../../../src/core/connections/connection.ts';
import type { Target } from '../../../src/core/connections/transport.ts';
import { DRAINING, EJECTED, IN_DOUBT, namesOf, PAUSED, SILENT } from '../../../src/core/endpoints/reasons.ts';
import type { PlayedCall, PlayedWire } from '../played.ts';
import { Invariant } from './invariant.ts';

/** Microseconds for which an answer shows that an address is still a pod's. */
const PROOF = 1_000_000;

/**
 * No attempt goes to an endpoint that is ejected or paused (but in panic, where that counts for nobody), that has left the
 * set, or that has as many requests as it may have; no dial to one that has left, has as many connections, or may be another
 * one's address by now.
 */
export class FitEndpoints extends Invariant {
  readonly name = 'fit endpoints';
  /** When endpoints last served a call, in microseconds. */
  readonly #answeredAt = new WeakMap<Pod, number>();

  override onGiven(call: PlayedCall, wire: PlayedWire): void {
    const { endpoint } = call;
    if (endpoint === undefined) {
      this.violate(`call ${call.id} has no endpoint`);
      return;
    }
    const isPlain = call.keyHash < 0 && !call.lasting;
    const unfit = endpoint.reasons & (DRAINING | EJECTED | PAUSED | SILENT | (isPlain ? IN_DOUBT : 0));
    if (unfit !== 0) this.violate(`call ${call.id} goes to ${endpoint.key}, which is ${namesOf(unfit)}`);
    const most = this.scene.settings.maxRequestsPerEndpoint;
    const { inFlight } = endpoint;
    if (most > 0 && inFlight > most)
      this.violate(`${endpoint.key} has ${inFlight} calls, and may have ${most}`);
    const { connection } = call;
    if (connection === undefined || this.scene.world.wireOf(connection.wire) !== wire)
      this.violate(`call ${call.id} is on another connection than ${wire.id}`);
  }

  override onSettled({ endpoint }: PlayedCall, error: Error | undefined): void {
    if (error === undefined && endpoint !== undefined)
      this.#answeredAt.set(endpoint, this.scene.world.time.micros);
  }

  override onDial(target: Target): void {
    const endpoint = target as Pod;
    const answeredAt = this.#answeredAt.get(endpoint) ?? Number.NEGATIVE_INFINITY;
    if (this.scene.service.endpoints.frozen && this.scene.world.time.micros - answeredAt > PROOF) {
      this.violate(`${endpoint.key} is dialled, and may be another pod by now`);
    }
    if (endpoint.isDraining) this.violate(`${endpoint.key} is dialled, and has left`);
    if (this.scene.endedAt >= 0) this.violate(`${endpoint.key} is dialled after the end`);
    const { connections } = this.scene.settings;
    const count = endpoint.connected - endpoint.aging + endpoint.dialing + endpoint.overdue;
    if (count > connections)
      this.violate(`${endpoint.key} has ${count} connections, and may have ${connections}`);
  }
}
