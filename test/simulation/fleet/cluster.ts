import { plainPods } from '../plans.ts';
import { SimulatedPod } from '../pod.ts';
import { World } from '../world.ts';

/** Milliseconds of work for each request, one at a time, as a mean; and for which idle connections live. */
export const WORK = 60;
const KEEP_ALIVE = 65_000;
/** What is kept of the story. */
const NO_FACTS = 0;

/** The pods of a Deployment, and those of them that are ready. */
export class Cluster {
  readonly world: World;
  readonly pods: readonly SimulatedPod[];
  /** Told when there are more that are ready. */
  readonly watchers: (() => void)[] = [];
  #ready = 0;
  #drawn = 0;

  constructor(seed: number, most: number) {
    this.world = new World(seed, NO_FACTS);
    const plans = plainPods(most, { work: WORK, workers: 1, keepAlive: KEEP_ALIVE, hint: KEEP_ALIVE });
    this.pods = plans.map((plan, id) => new SimulatedPod(this.world, id, plan));
  }

  get ready(): readonly SimulatedPod[] {
    return this.pods.slice(0, this.#ready);
  }

  /** So many are ready from now on. */
  scale(ready: number): void {
    this.#ready = ready;
    for (const watcher of this.watchers) watcher();
  }

  /** What kube-proxy draws for a connection. */
  draw(): SimulatedPod {
    const { draws, seed } = this.world;
    return this.pods[draws.about(seed, 0xc1, this.#drawn++).below(this.#ready)]!;
  }
}
