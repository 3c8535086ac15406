import { DrainTimeoutError, UnresponsiveError } from '../../../src/core/base/errors.ts';
import type { PlayedWire } from '../played.ts';
import { codeOf, type PlayedCall } from '../played.ts';
import type { SimulatedPod } from '../pod.ts';
import { Invariant } from './invariant.ts';

/**
 * A call that was sent is ended by its caller, by its peer, or by an option that says so. Otherwise there is proof of death:
 * the socket is gone, or what was sent is not acknowledged and the pod cannot be reached. A pod that is slow, or that stands
 * still while its kernel answers, lives: a plain client would have waited for it.
 */
export class ProofOfDeath extends Invariant {
  readonly name = 'proof of death';

  /** When it was last proven of each pod. */
  readonly #proven = new Map<SimulatedPod, number>();

  override onCut(call: PlayedCall, wire: PlayedWire, error: Error): void {
    if (this.scene.destroyed || wire.lost) return;
    const { drainTimeout } = this.scene.settings;
    if (error instanceof DrainTimeoutError) {
      if (drainTimeout === 0) this.violate(`call ${call.id} is ended for a drainTimeout that is not set`);
      return;
    }
    const isSilent = wire.opening && wire.pod.plan.settingsAfter === 'never';
    if (error instanceof UnresponsiveError && isSilent) return;
    const isProven = wire.pod.isCutOff && this.#isAnyUnacknowledged(wire.pod);
    if (error instanceof UnresponsiveError && isProven) return;
    const lives = wire.pod.isFrozen ? 'stands still' : wire.pod.isCutOff ? 'is cut off' : 'is there';
    this.violate(
      `call ${call.id} on connection ${wire.id} is ended (${codeOf(error)}), and pod ${wire.pod.id} ${lives}`,
    );
  }

  /** What one connection shows of a pod is true of all. */
  #isAnyUnacknowledged(pod: SimulatedPod): boolean {
    const { time, wires } = this.scene.world;
    for (const wire of wires) {
      if (wire.pod === pod && wire.isUnacknowledged === true) this.#proven.set(pod, time.micros);
    }
    return this.#proven.get(pod) === time.micros;
  }
}
