import { Invariant } from './invariant.ts';

/**
 * So many calls may a pod get that hangs: those that it has when it begins, and that come until callers have given up some;
 * then one after each pause, of which each is four times as long as the one before. Without pauses, each of two or three
 * callers has one each 300 ms: 50 to 70.
 */
const MOST = 25;

/** A pod that answers nothing isn't asked as often as the others. */
export class SparesTheSilent extends Invariant {
  readonly name = 'spares the silent';
  /** How many calls it had when it began to hang. */
  #before: number | undefined;

  override look(): void {
    const { world, pods, scenario, closingAt } = this.scene;
    if (world.time.now() < scenario.hangsFrom! || closingAt >= 0) return;
    const { calls } = pods[0]!;
    this.#before ??= calls;
    if (calls - this.#before > MOST) this.violate(`a pod that hangs has got ${calls - this.#before} calls`);
  }
}
