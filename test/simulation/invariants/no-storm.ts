import type { Target } from '../../../src/core/connections/transport.ts';
import type { PlayedCall } from '../played.ts';
import { Invariant } from './invariant.ts';

/** Microseconds of a window. */
const WINDOW = 1_000_000;
/** Dials that there may be in a window whoever calls, and for each endpoint. */
const AT_LEAST = 300;
const FOR_EACH_ENDPOINT = 10;
/** For each call that there is in it, and one more for each dial that succeeds: an old one has all that wait dialled for again. */
const FOR_EACH_CALL = 30;

/**
 * Dials are made for calls, or ahead of them: an endpoint that refuses them isn't dialled over and over, as fast as it
 * refuses.
 */
export class NoStorm extends Invariant {
  readonly name = 'no storm of dials';
  #end = 0;
  #dials = 0;
  #calls = 0;
  #opened = 0;

  override onTaken(_call: PlayedCall): void {
    this.#roll();
    this.#calls++;
  }

  override onDial(_target: Target): void {
    this.#roll();
    const { current } = this.scene.service.endpoints;
    let most = AT_LEAST + FOR_EACH_ENDPOINT * current.size + FOR_EACH_CALL * this.#calls;
    if (++this.#dials <= most) return;
    most += this.#calls * Math.max(this.#countOpened() - this.#opened, 0);
    if (this.#dials > most) this.violate(`${this.#dials} dials in a second, for ${this.#calls} calls`);
  }

  #roll(): void {
    const { world, live } = this.scene;
    if (world.time.micros < this.#end) return;
    this.#end = world.time.micros + WINDOW;
    this.#dials = 0;
    this.#calls = live.size;
    this.#opened = this.#countOpened();
  }

  /** Connections that there have been to the endpoints of now. */
  #countOpened(): number {
    let sum = 0;
    for (const { opened } of this.scene.service.endpoints) sum += opened;
    return sum;
  }
}
