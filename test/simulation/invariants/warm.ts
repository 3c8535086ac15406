import { Invariant } from './invariant.ts';

/** Looks after which what many calls need has to be warm. */
const SOON = 40;

/**
 * Of the endpoints that there are, one at least is kept connected while there is traffic, and as many as there are calls under
 * way: who is warm is forgotten by nobody when endpoints come, go, take turns or are found to close early.
 */
export class Warm extends Invariant {
  readonly name = 'warm';
  #short = 0;

  override look(): void {
    const { service } = this.scene;
    const { current } = service.endpoints;
    if (current.size === 0 || !service.inUse) return;
    let warm = 0;
    for (const endpoint of current.values()) if (endpoint.warm) warm++;
    if (warm === 0) this.violate(`none of ${current.size} endpoints is warm`);
    const wanted = Math.min(current.size, service.running + service.waiting);
    this.#short = warm < wanted ? this.#short + 1 : 0;
    if (this.#short > SOON && service.running > 0) this.#check(warm, wanted);
  }

  #check(warm: number, wanted: number): void {
    const { scenario, world } = this.scene;
    if (scenario.sharesFrom === undefined || world.time.now() < scenario.sharesFrom) return;
    this.violate(`${warm} endpoints are warm, and ${wanted} calls are under way`);
  }
}
