import type { ClusterNames } from './kubernetes/cluster-names.ts';
import { sameService } from './kubernetes/match.ts';
import type { Resolution, Resolver, ResolveTarget } from './resolver.ts';
import { Trace } from './trace.ts';

/** Follows a resolver as an agent does, for `doctor`. Keeps what the resolver yields, and how it came to that. */
export class Following {
  readonly trace = new Trace();
  resolution: Resolution | undefined;
  readonly #abort = new AbortController();
  #over = false;
  /** What the API had said about the Service when the last resolution came. */
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

  /** Waits until something is known, at most `timeout` milliseconds. */
  first(timeout: number): Promise<void> {
    return this.#until(() => this.resolution !== undefined, timeout);
  }

  /** Waits until the API has answered, and the resolution follows from it, at most `timeout` milliseconds. */
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
    // The API may also say something about the Service that an alias leads to.
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
