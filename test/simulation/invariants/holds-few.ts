import { Invariant } from './invariant.ts';

/** Callers more than its share that a pod may hold: until it shows that it answers no longer, and by chance. */
const MORE = 8;
const TIMES = 1.6;

/** A pod that never answers holds no more than about its share of callers that wait for ever. The others go on. */
export class HoldsFew extends Invariant {
  readonly name = 'holds few';

  override look(): void {
    const { world, pods, scenario, closingAt } = this.scene;
    if (world.time.now() < scenario.hangsForGoodFrom! || closingAt >= 0) return;
    const callers = scenario.loads.reduce((sum, { size }) => sum + size, 0);
    let held = 0;
    for (const { carriedCalls } of pods[0]!.wires) held += carriedCalls.size;
    const most = (callers / pods.length) * TIMES + MORE;
    if (held > most) this.violate(`${held} of ${callers} callers wait for a pod that never answers`);
  }
}
