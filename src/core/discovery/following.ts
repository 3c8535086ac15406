import { Changes } from './changes.ts';
import type { LookUpStep } from './dns/look-up.ts';
import type { ClusterNames } from './kubernetes/cluster-names.ts';
import { type ServiceName, sameService } from './kubernetes/match.ts';
import type { Route, Supply } from './kubernetes/route.ts';
import type { Resolution, Resolver, ResolveTarget } from './resolver.ts';
import type { Witness } from './witness.ts';

/** Follows a resolver as an agent does, and keeps what it yields and tells on the way. */
export class Following implements Witness {
  readonly steps: LookUpStep[] = [];
  readonly warnings: { code: string; message: string }[] = [];
  resolution: Resolution | undefined;
  /** The last that the API had to say. */
  service: { name: ServiceName; seen: { supply: Supply; route: Route } | undefined } | undefined;
  error: Error | undefined;
  readonly #abort = new AbortController();
  readonly #changes = new Changes();
  #over = false;
  /** Whether what the API said has led to a resolution. */
  #followed = false;

  start(resolver: Resolver, target: ResolveTarget): void {
    void this.#run(resolver, target);
  }

  stop(): void {
    this.#abort.abort();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Waits, for so many milliseconds at most, until something is known. */
  first(timeout: number): Promise<void> {
    return this.#until(() => this.resolution !== undefined, timeout);
  }

  /** Waits, for so many milliseconds at most, until the API's word is known, and what follows from it. */
  settled(timeout: number, names: ClusterNames): Promise<void> {
    return this.#until(() => this.error !== undefined || this.#isAnswered(names), timeout);
  }

  readonly warn = (code: string, message: string): void => {
    this.warnings.push({ code, message });
  };

  onLookUp(step: LookUpStep): void {
    // The name is looked up again when its time has run out.
    const again = this.steps.some(({ source, name }) => source === step.source && name === step.name);
    if (!again) this.steps.push(step);
  }

  onService(name: ServiceName, seen: { supply: Supply; route: Route } | undefined): void {
    this.service = { name, seen };
    this.#followed = false;
    this.#changes.add();
  }

  onFailure(error: Error): void {
    this.error ??= error;
    this.#changes.add();
  }

  #isAnswered(names: ClusterNames): boolean {
    if (this.service === undefined) return false;
    const { name, seen } = this.service;
    if (seen === undefined || seen.route.way === 'none') return true;
    if (!this.#followed || seen.route.way !== 'alias') return this.#followed;
    // The API may have a word on the Service that an alias leads to.
    const { matchedName = '' } = this.resolution as { matchedName?: string };
    const next = names.serviceOf(matchedName);
    return next === undefined || sameService(next, name);
  }

  async #run(resolver: Resolver, target: ResolveTarget): Promise<void> {
    try {
      for await (const resolution of resolver(target, this.signal)) {
        this.resolution = resolution;
        this.#followed = this.service !== undefined;
        this.#changes.add();
      }
    } catch (error) {
      this.resolution ??= { error: error as Error };
    }
    this.#over = true;
    this.#changes.add();
  }

  async #until(condition: () => boolean, timeout: number): Promise<void> {
    const late = AbortSignal.timeout(timeout);
    const end = Promise.withResolvers<void>();
    late.addEventListener('abort', () => end.resolve(), { once: true });
    while (!condition() && !this.#over && !late.aborted) {
      await Promise.race([this.#changes.since(this.#changes.count), end.promise]);
    }
  }
}
