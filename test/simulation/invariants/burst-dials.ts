import type { Target } from '../../../src/core/connections/transport.ts';
import { Invariant } from './invariant.ts';

/** Dials that may begin at once, for each endpoint and in all. */
const FOR_EACH = 4;
const AT_LEAST = 16;

/**
 * A burst that finds nothing connected has a few connections made, and more as time goes by: not one for each call, of which
 * most would be of no use. Sockets of their own have one each.
 */
export class BurstDials extends Invariant {
  readonly name = 'dials for a burst';
  #firstAt = -1;
  #endpoints = 0;
  #count = 0;
  /** The most endpoints that there were before: those who wait since then are paced by as many. */
  #before = 0;

  override onDiscovery(): void {
    if (this.#firstAt < 0) this.#before = Math.max(this.#before, this.scene.service.endpoints.current.size);
  }

  override onDial(_target: Target): void {
    const { world, service, scenario } = this.scene;
    const now = world.time.micros;
    const { size } = service.endpoints.current;
    if (this.#firstAt < 0) {
      this.#firstAt = now;
      this.#endpoints = size;
    }
    // Where others take the place of endpoints at the same moment, they are dialled in their place.
    if (
      now !== this.#firstAt ||
      size !== this.#endpoints ||
      scenario.loads.some(({ lasting }) => lasting > 0)
    )
      return;
    const most = Math.max(AT_LEAST, FOR_EACH * Math.max(size, this.#before));
    // Those that are made off the way of requests come on top.
    if (++this.#count > most + size) this.violate(`${this.#count} dials begin at once, and ${most} may`);
  }
}
