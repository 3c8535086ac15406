import type { Actor } from './agenda.ts';
import type { Asked, Caller } from './call.ts';
import { Draws } from './draws.ts';
import type { PlayedCall } from './played.ts';
import type { Load } from './scenario.ts';
import type { Scene } from './scene.ts';
import { micros } from './time.ts';

const NEXT = 0;
const WORKER = 1;

/** Milliseconds. */
const AFTER_ERROR = 10;
/** So many calls may one load have: their numbers tell which it was. */
const MOST_CALLS = 1_000_000;

/** Makes the calls of one load. */
export class Callers implements Actor, Caller {
  readonly #scene: Scene;
  readonly #load: Load;
  readonly #to: number;
  readonly #number: number;
  readonly #draws = new Draws();
  /** How long it is from one call to the next, whatever these are. */
  readonly #gaps: Draws;
  /** Calls so far, those that are left out included. */
  #made = 0;
  #failed = 0;

  constructor(scene: Scene, load: Load) {
    this.#scene = scene;
    this.#load = load;
    this.#number = load.name;
    this.#gaps = new Draws().about(scene.world.seed, load.name, -1);
    this.#to = micros(load.to);
    this.#enter(micros(load.from), NEXT);
  }

  get name(): number {
    return this.#load.name;
  }

  get made(): number {
    return this.#made;
  }

  /** Calls that ended with an error, or that a pod answered so. */
  get failed(): number {
    return this.#failed;
  }

  happen(what: number): void {
    const { time } = this.#scene.world;
    const { kind, size, pause } = this.#load;
    if (time.micros >= this.#to || this.#made >= MOST_CALLS) return;
    if (what === WORKER) {
      this.#call();
      return;
    }
    switch (kind) {
      case 'open':
        this.#call();
        this.#enter(Math.ceil(this.#gaps.exponential(1_000_000 / size)), NEXT);
        break;
      case 'trickle':
        this.#call();
        this.#enter(micros(size), NEXT);
        break;
      case 'burst':
        for (let n = 0; n < size; n++) this.#call();
        this.#enter(micros(pause), NEXT);
        break;
      case 'closed':
        for (let n = 0; n < size; n++) this.#call();
        break;
    }
  }

  #enter(delay: number, what: number): void {
    const { time } = this.#scene.world;
    if (this.#load.byTimer) time.timer(delay, this, what);
    else time.arrive(delay, this, what);
  }

  #call(): void {
    const { client, world } = this.#scene;
    if (this.#scene.closingAt >= 0) return;
    const number = this.#made++;
    if (this.#load.without?.includes(number)) return;
    const draws = this.#draws.about(world.seed, this.#number, number);
    const asked = this.#ask(draws);
    const { impatient, patience } = this.#load;
    const limit = impatient > 0 && draws.next() < impatient ? micros(draws.next() * patience) + 1 : 0;
    client.call(this, this.#number * MOST_CALLS + number, asked, limit);
  }

  #ask(draws: Draws): Asked {
    const { unrepeatable, lasting, keyed, keys } = this.#load;
    const lasts = lasting > 0 && draws.next() < lasting;
    const isKeyed = keyed > 0 && this.#scene.service.bindsByKey && draws.next() < keyed;
    return {
      repeatable: !(unrepeatable > 0 && draws.next() < unrepeatable),
      lasting: lasts,
      upgrades: lasts && draws.next() < 0.5,
      keyHash: isKeyed ? keyOf(draws.below(keys)) : -1,
      untold: this.#load.untold === true,
    };
  }

  /** A worker's next call comes when the one before is over. */
  onOver({ error, statusCode }: PlayedCall): void {
    if (error !== undefined || statusCode >= 500) this.#failed++;
    if (this.#load.kind !== 'closed') return;
    // Nobody who has just been refused asks again a microsecond later.
    const pause = error === undefined ? 0 : AFTER_ERROR;
    this.#enter(micros(this.#load.pause + pause) + 1, WORKER);
  }
}

function keyOf(n: number): number {
  return Math.imul(n + 1, 0x9e37_79b1) >>> 1;
}
