import { Invariant } from './invariant.ts';

/** Microseconds for which a session may have calls wait, and by which a timer may be late. */
const WAIT = 20_000;
const LATE = 2_000;

/**
 * With connect-node's sessions, the first of all calls are sent when each session that is dialled is there, or the first one has
 * waited for long enough: not all to the pod that is connected first. And no session waits for longer.
 */
export class ColdCalls extends Invariant {
  readonly name = 'first calls';
  /** When the first session was there; -1: it wasn't. */
  #firstAt = -1;
  /** Whether it is too late to share out the first calls: they are sent, or there was nothing to wait for. */
  #isOver = false;
  /** Dials of one moment. */
  #dialledAt = -1;
  #dialled = 0;

  override onDial(): void {
    const now = this.scene.world.time.micros;
    this.#dialled = now === this.#dialledAt ? this.#dialled + 1 : 1;
    this.#dialledAt = now;
  }

  override onStep(): void {
    const { scenario, world } = this.scene;
    if (scenario.sessions && this.#firstAt < 0 && world.wires.size > 0) this.#begin();
  }

  /** What is dialled because a session is there is none of what is waited for. */
  #begin(): void {
    this.#firstAt = this.scene.world.time.micros;
    if (this.#others === 0) this.#isOver = true;
  }

  /** Dials under way that were begun before this moment. */
  get #others(): number {
    const { transport, world } = this.scene;
    return transport.dialling - (this.#dialledAt === world.time.micros ? this.#dialled : 0);
  }

  override onSent(): void {
    const { scenario, world } = this.scene;
    if (!scenario.sessions || this.#isOver) return;
    if (this.#firstAt < 0) this.#begin();
    if (this.#isOver) return;
    this.#isOver = true;
    const waited = world.time.micros - this.#firstAt;
    if (this.#others > 0 && waited < WAIT - LATE)
      this.violate(`one is sent ${waited} µs after the first session was there, while others are dialled`);
  }

  override look(): void {
    const { scenario, world } = this.scene;
    if (!scenario.sessions || world.time.isLate) return;
    for (const { opening, closed, broken, bornAt, id } of world.wires) {
      const waited = world.time.micros - bornAt;
      if (opening && !closed && !broken && waited > WAIT + LATE)
        this.violate(`session ${id} has had calls wait for ${waited} µs`);
    }
  }
}
