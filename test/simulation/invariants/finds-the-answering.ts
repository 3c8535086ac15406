import { Invariant } from './invariant.ts';

/** A pod that hung, and answers again, has its share again. */
export class FindsTheAnswering extends Invariant {
  readonly name = 'finds the answering';

  override look(): void {
    const { service, world, scenario, closingAt } = this.scene;
    if (world.time.now() < scenario.answersFrom! || closingAt >= 0) return;
    for (const { key, health } of service.endpoints.members.values()) {
      if (health?.silence !== undefined) this.violate(`${key} is spared, and has answered for seconds`);
    }
  }
}
