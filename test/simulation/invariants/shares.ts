import { Invariant } from './invariant.ts';

/** By how much a pod's share may differ from the mean, as a part of it, and in standard deviations of chance. */
const BOUNDS: Readonly<Record<string, readonly [part: number, deviations: number]>> = {
  'least-request': [0.12, 3],
  'round-robin': [0.05, 2],
  'peak-ewma': [0.35, 5],
};
/** So many calls for each pod say something. */
const ENOUGH = 30;

/** Where pods are alike and the load is steady, each has its share, within what the policy is good for. */
export class Shares extends Invariant {
  readonly name = 'shares';
  #before: readonly number[] | undefined;

  override look(): void {
    const { scenario, world, pods } = this.scene;
    if (this.#before !== undefined || scenario.sharesFrom === undefined) return;
    if (world.time.now() >= scenario.sharesFrom) this.#before = pods.map(({ calls }) => calls);
  }

  override onOver(): void {
    const before = this.#before;
    const { pods, settings, scenario } = this.scene;
    const bounds = BOUNDS[String(settings.policy)];
    if (before === undefined || bounds === undefined) return;
    const last = scenario.discovery.at(-1)!;
    if (!('pods' in last)) return;
    const counts = last.pods.map((id) => pods[id]!.calls - before[id]!);
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    if (mean < ENOUGH) return;
    const most = mean * bounds[0] + bounds[1] * Math.sqrt(mean);
    for (const [n, count] of counts.entries()) {
      if (Math.abs(count - mean) <= most) continue;
      this.violate(`pod ${last.pods[n]} had ${count} calls, and the mean is ${mean.toFixed(1)}`);
      return;
    }
  }
}
