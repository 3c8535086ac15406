import type { ClusterNames } from './kubernetes/cluster-names.ts';
import { sameService } from './kubernetes/match.ts';
import type { Resolution, Resolver, ResolveTarget } from './resolver.ts';
import { Trace } from './trace.ts';

/** Follows a resolver as an agent does, and keeps what it yields, and how it comes to that. */
export class Following {
  readonly trace = new Trace();
  resolution: Resolution | undefined;
  readonly #abort = new AbortController();
  #over = false;
  /** What the API had said of the Service when a resolution last came. */
  #followed: Trace['service'];

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
  answered(timeout: number, names: ClusterNames): Promise<void> {
    return this.#until(() => this.trace.error !== undefined || this.#isAnswered(names), timeout);
  }

  #isAnswered(names: ClusterNames): boolean {
    const { service } = this.trace;
    if (service === undefined) return false;
    const { name, seen } = service;
    if (seen === undefined || seen.route.way === 'none') return true;
    const isFollowed = this.#followed === service;
    if (!isFollowed || seen.route.way !== 'alias') return isFollowed;
    // The API may have a word on the Service that an alias leads to.
    const { matchedName = '' } = this.resolution as { matchedName?: string };
    const next = names.serviceOf(matchedName);
    return next === undefined || sameService(next, name);
  }

  async #run(resolver: Resolver, target: ResolveTarget): Promise<void> {
    try {
      for await (const resolution of resolver(target, this.signal)) {
        this.resolution = resolution;
        this.#followed = this.trace.service;
        this.trace.changes.add();
      }
    } catch (error) {
      this.resolution ??= { error: error as Error };
    }
    this.#over = true;
    this.trace.changes.add();
  }

  async #until(condition: () => boolean, timeout: number): Promise<void> {
    const late = AbortSignal.timeout(timeout);
    const end = Promise.withResolvers<void>();
    late.addEventListener('abort', () => end.resolve(), { once: true });
    while (!condition() && !this.#over && !late.aborted) {
      const { changes } = this.trace;
      await Promise.race([changes.since(changes.count), end.promise]);
    }
  }
}
