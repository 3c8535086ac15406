import { plainPods } from './plans.ts';
import { play } from './play.ts';
import type { Load, PodPlan, Scenario } from './scenario.ts';
import type { Violation } from './scene.ts';

/** Milliseconds after a violation in which nothing matters any more. */
const AFTER = 1;
/** Shorter patience and fewer calls are tried as long as this many halvings. */
const HALVINGS = 20;

/**
 * Makes a scenario smaller for as long as it shows the same, so that its story can be read. What happens to a call hangs on
 * that call and its attempt, and on nothing that is left out.
 */
export class Shrinker {
  readonly #invariant: string;
  readonly #endsAt: number;
  readonly #mostCalls: number | undefined;
  #best: Scenario;
  #violation: Violation;

  /** @param seconds after which what was found by then has to do; `mostCalls`: see `play` */
  constructor(scenario: Scenario, violation: Violation, seconds: number, mostCalls?: number) {
    this.#mostCalls = mostCalls;
    this.#best = scenario;
    this.#violation = violation;
    this.#invariant = violation.invariant;
    this.#endsAt = performance.now() + seconds * 1_000;
  }

  /** The smallest scenario that was found. */
  shrink(): Scenario {
    this.#cutEnd();
    for (let before: Scenario | undefined; before !== this.#best && !this.#isOver; ) {
      before = this.#best;
      this.#without('loads');
      this.#without('happenings');
      this.#without('discovery');
      this.#fewerCalls();
      this.#plainerLoads();
      this.#fewerOptions();
      this.#fewerPods();
      this.#plainerPods();
      this.#cutEnd();
    }
    return this.#best;
  }

  get #isOver(): boolean {
    return performance.now() > this.#endsAt;
  }

  #try(smaller: Scenario): boolean {
    if (this.#isOver) return false;
    const violation = this.#violationOf(smaller);
    if (violation?.invariant !== this.#invariant) return false;
    this.#best = smaller;
    this.#violation = violation;
    return true;
  }

  #violationOf(scenario: Scenario): Violation | undefined {
    try {
      return play(scenario, 0, this.#mostCalls).violation;
    } catch {
      // Options that say nothing without others are refused.
      return undefined;
    }
  }

  /** Nothing comes after it. */
  #cutEnd(): void {
    const at = Math.ceil(this.#violation.at + AFTER);
    const { end, loads, happenings, discovery } = this.#best;
    if (at >= end.at) return;
    this.#try({
      ...this.#best,
      loads: loads.filter(({ from }) => from <= at).map((load) => ({ ...load, to: Math.min(load.to, at) })),
      happenings: happenings.filter((happening) => happening.at <= at),
      discovery: discovery.filter((step) => step.at <= at),
      end: { ...end, at },
    });
  }

  /** Takes out the longest runs of items first, then shorter ones: https://doi.org/10.1109/32.988498 */
  #without(what: 'loads' | 'happenings' | 'discovery'): void {
    for (
      let size = Math.ceil(this.#best[what].length / 2);
      size >= 1;
      size = size === 1 ? 0 : Math.ceil(size / 2)
    ) {
      for (let at = 0; at < this.#best[what].length; ) {
        const items = [...this.#best[what].slice(0, at), ...this.#best[what].slice(at + size)];
        if (!this.#try({ ...this.#best, [what]: items })) at += size;
      }
    }
  }

  #withLoad(n: number, changes: Partial<Load>): boolean {
    const load = this.#best.loads[n];
    if (load === undefined) return false;
    return this.#try({ ...this.#best, loads: this.#best.loads.with(n, { ...load, ...changes }) });
  }

  #fewerCalls(): void {
    for (const n of this.#best.loads.keys()) {
      for (let halving = 0; halving < HALVINGS; halving++) {
        const { size, kind } = this.#best.loads[n]!;
        const fewer = kind === 'trickle' ? size * 2 : Math.floor(size / 2);
        if (fewer < 1 || !this.#withLoad(n, { size: fewer })) break;
      }
      this.#withoutCalls(n);
    }
  }

  /** Leaves single calls out of a load. */
  #withoutCalls(n: number): void {
    const made = this.#callsOf(n);
    for (let size = Math.ceil(made / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < made && !this.#isOver; at += size) {
        const { without = [] } = this.#best.loads[n]!;
        const range = Array.from({ length: Math.min(size, made - at) }, (_, k) => at + k);
        const fresh = range.filter((call) => !without.includes(call));
        if (fresh.length > 0) this.#withLoad(n, { without: [...without, ...fresh] });
      }
    }
  }

  #callsOf(n: number): number {
    return play(this.#best).made.get(this.#best.loads[n]!.name) ?? 0;
  }

  #plainerLoads(): void {
    for (const n of this.#best.loads.keys()) {
      for (const plainer of [
        { impatient: 0 },
        { lasting: 0 },
        { keyed: 0 },
        { unrepeatable: 0 },
        { byTimer: false },
      ] as const) {
        const [[name, value]] = Object.entries(plainer) as [[keyof Load, unknown]];
        if (this.#best.loads[n]![name] !== value) this.#withLoad(n, plainer);
      }
    }
  }

  #fewerOptions(): void {
    for (const name of Object.keys(this.#best.options)) {
      const { [name as keyof Scenario['options']]: _, ...options } = this.#best.options;
      this.#try({ ...this.#best, options });
    }
  }

  /** Takes pods out of what discovery says; the last ones, of which nothing is said any more, are none any more. */
  #fewerPods(): void {
    for (let pod = this.#best.pods.length - 1; pod >= 0; pod--) {
      const discovery = this.#best.discovery.map((step) =>
        'pods' in step ? { ...step, pods: step.pods.filter((id) => id !== pod) } : step,
      );
      if (JSON.stringify(discovery) !== JSON.stringify(this.#best.discovery))
        this.#try({ ...this.#best, discovery });
    }
  }

  #plainerPods(): void {
    const [plain] = plainPods(1);
    for (const n of this.#best.pods.keys()) {
      if (this.#try(this.#withPod(n, plain!))) continue;
      for (const name of Object.keys(plain!) as (keyof PodPlan)[]) {
        const pod = this.#best.pods[n]!;
        if (pod[name] !== plain![name]) this.#try(this.#withPod(n, { ...pod, [name]: plain![name] }));
      }
    }
  }

  #withPod(n: number, pod: PodPlan): Scenario {
    return { ...this.#best, pods: this.#best.pods.with(n, pod) };
  }
}
