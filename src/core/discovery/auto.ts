import { isIP } from 'node:net';
import type { Clock, Timer } from '../base/clock.ts';
import { EvenkeelError } from '../base/errors.ts';
import { withoutBrackets } from '../base/without-brackets.ts';
import { Changes } from './changes.ts';
import { unlessAborted } from './dns/abortable.ts';
import { Feed } from './feed.ts';
import type { ClusterNames } from './kubernetes/cluster-names.ts';
import type { Finding } from './kubernetes/finding.ts';
import type { Kubernetes } from './kubernetes/kubernetes.ts';
import { type ServiceName, sameService } from './kubernetes/match.ts';
import type { Resolution, Resolver, ResolveTarget } from './resolver.ts';

const MOST_ALIASES = 8;
const ALIASES = 'EVENKEEL_ALIASES';
const LONGEST_HOLD = 3_000;

export interface AutoOptions {
  dns: Resolver;
  kubernetes: Kubernetes;
  names: ClusterNames;
  /** Whether the user asked for Kubernetes. Then its answer is waited for. */
  wanted: boolean;
  /** For how many milliseconds endpoints stay in use after their name is gone. */
  negativeHold: number;
  clock: Clock;
}

/**
 * A resolver that answers from DNS at once. When DNS has matched the name of a Service, and its EndpointSlices are
 * known, it answers from these; if they can't be had any more, from DNS again. The last known endpoints stay in use
 * until there are new ones.
 */
export function autoResolver(options: AutoOptions): Resolver {
  return (target, signal) =>
    isIP(withoutBrackets(target.hostname)) === 0
      ? new Auto(options, target).follow(signal)
      : options.dns(target, signal);
}

type Endpoints = Extract<Resolution, { endpoints: unknown }>;

/** Follows one host name in both ways. */
class Auto {
  readonly #options: AutoOptions;
  readonly #target: ResolveTarget;
  /** Through how many ExternalName Services callers came here. */
  readonly #aliases: number;
  readonly #arrivals = new Changes();
  #dns: Feed<Resolution> | undefined;
  #kubernetes: Feed<Finding> | undefined;
  #service: ServiceName | undefined;
  /** The name to which an ExternalName Service sends its callers, and what is known about that name. */
  #alias: { readonly hostname: string; readonly feed: Feed<Resolution> } | undefined;
  /** Whether Kubernetes has nothing to say any more, so that the answer of DNS replaces what Kubernetes said. */
  #falling = false;
  /** A timer while Kubernetes may answer first, before DNS counts. */
  #hold: Timer | undefined;
  #held: Resolution | undefined;
  /** What Kubernetes has found, until there is something to replace it. */
  #found: Endpoints | undefined;
  #withdrawal: Timer | undefined;
  #due: (() => Resolution[])[] = [];

  constructor(options: AutoOptions, target: ResolveTarget, aliases = 0) {
    this.#options = options;
    this.#target = target;
    this.#aliases = aliases;
  }

  async *follow(signal: AbortSignal): AsyncGenerator<Resolution, void, undefined> {
    const { names, wanted } = this.#options;
    try {
      const service = wanted ? names.explicit(this.#target.hostname) : undefined;
      if (service === undefined) this.#startDns();
      else this.#startKubernetes(service);
      while (!signal.aborted) {
        const { count } = this.#arrivals;
        yield* this.#arrived();
        if (this.#kubernetes === undefined && this.#dns?.over) return;
        await unlessAborted(this.#arrivals.since(count), signal);
      }
    } finally {
      this.#dns?.stop();
      this.#alias?.feed.stop();
      this.#kubernetes?.stop();
      this.#hold?.cancel();
      this.#withdrawal?.cancel();
    }
  }

  *#arrived(): Generator<Resolution, void, undefined> {
    for (let news = this.#news(); news !== undefined; news = this.#news()) yield* news;
  }

  #news(): Resolution[] | undefined {
    const due = this.#due.shift();
    if (due !== undefined) return due();
    const finding = this.#kubernetes?.take();
    if (finding !== undefined) return this.#onFinding(finding.value);
    const aliased = this.#alias?.feed.take();
    if (aliased !== undefined) return this.#onAliasAnswer(aliased.value);
    const answer = this.#dns?.take();
    return answer && this.#onAnswer(answer.value);
  }

  #onFinding(finding: Finding): Resolution[] {
    const held = this.#release();
    this.#falling = finding.name === 'unknown';
    switch (finding.name) {
      case 'resolved':
        this.#stopDns();
        this.#stopAlias();
        if ('endpoints' in finding.resolution) this.#replace(finding.resolution);
        return [finding.resolution];
      case 'alias':
        this.#startAlias(finding.hostname);
        return [];
      case 'unknown':
        // DNS is asked again, because its last answer may be from long before Kubernetes took over.
        if (this.#dns === undefined) this.#startDns();
        return held;
    }
  }

  #onAnswer(resolution: Resolution): Resolution[] {
    const { names, wanted } = this.#options;
    const absent = 'error' in resolution && (resolution.error as NodeJS.ErrnoException).code === 'ENOTFOUND';
    if ('endpoints' in resolution) {
      const service = names.serviceOf(resolution.matchedName ?? '');
      if (service !== undefined && !sameService(service, this.#service)) this.#startKubernetes(service);
    } else if (absent && wanted && this.#kubernetes === undefined) {
      // The name isn't a public one. It may be the short name of a Service in this namespace.
      this.#startKubernetes(undefined);
    }
    if (this.#hold !== undefined) {
      this.#held = resolution;
      return [];
    }
    // Outside the cluster, names of the cluster don't exist. The target of an alias is still followed.
    const isElsewhere = this.#falling && this.#alias !== undefined;
    if (absent && this.#found !== undefined && !isElsewhere) return [this.#withdraw(this.#found)];
    if ('endpoints' in resolution) {
      this.#replace(undefined);
      if (this.#falling) this.#stopAlias();
    }
    return [resolution];
  }

  /**
   * An answer about the name to which the Service sends its callers. If this name leads nowhere, the Service's own name
   * may lead somewhere.
   */
  #onAliasAnswer(resolution: Resolution): Resolution[] {
    if ('endpoints' in resolution) {
      this.#replace(resolution.withdrawn ? undefined : resolution);
      if (!this.#falling) this.#stopDns();
    } else if (this.#dns === undefined) {
      this.#startDns();
    }
    const isLoop = 'error' in resolution && (resolution.error as NodeJS.ErrnoException).code === ALIASES;
    return 'endpoints' in resolution || isLoop ? [resolution] : [];
  }

  #startDns(): void {
    this.#dns = new Feed((signal) => this.#options.dns(this.#target, signal), this.#arrivals);
  }

  #stopDns(): void {
    this.#dns?.stop();
    this.#dns = undefined;
  }

  #startAlias(hostname: string): void {
    if (this.#alias?.hostname === hostname) return;
    this.#alias?.feed.stop();
    this.#alias = {
      hostname,
      feed: new Feed((signal) => this.#aliasAnswers(hostname, signal), this.#arrivals),
    };
  }

  #stopAlias(): void {
    this.#alias?.feed.stop();
    this.#alias = undefined;
  }

  #aliasAnswers(alias: string, signal: AbortSignal): AsyncIterable<Resolution> {
    // With a final dot, so that no search list is used.
    const target = { ...this.#target, hostname: `${alias}.` };
    if (this.#aliases < MOST_ALIASES)
      return new Auto(this.#options, target, this.#aliases + 1).follow(signal);
    const message = `ExternalName Services lead from one to the next, past ${alias}`;
    return only({ error: new EvenkeelError(ALIASES, message) });
  }

  /** Without a `service`, the host name itself may be a Service. */
  #startKubernetes(service: ServiceName | undefined): void {
    const { kubernetes, wanted } = this.#options;
    const target = this.#target;
    this.#kubernetes?.stop();
    this.#service = service;
    this.#kubernetes = new Feed(
      (signal) =>
        service === undefined ? kubernetes.guess(target, signal) : kubernetes.follow(service, target, signal),
      this.#arrivals,
    );
    if (wanted)
      this.#hold = this.#later(LONGEST_HOLD, () => this.#onFinding({ name: 'unknown', error: undefined }));
  }

  #release(): Resolution[] {
    this.#hold?.cancel();
    this.#hold = undefined;
    const held = this.#held === undefined ? [] : [this.#held];
    this.#held = undefined;
    return held;
  }

  #replace(found: Endpoints | undefined): void {
    this.#withdrawal?.cancel();
    this.#found = found;
  }

  /** The name is gone. Its endpoints stay in use for as long as DNS endpoints would. */
  #withdraw({ endpoints, source }: Endpoints): Resolution {
    this.#replace(undefined);
    this.#withdrawal = this.#later(this.#options.negativeHold, () => [{ endpoints: [], source }]);
    return { endpoints, source, withdrawn: true };
  }

  #later(delay: number, due: () => Resolution[]): Timer {
    return this.#options.clock.schedule(() => {
      this.#due.push(due);
      this.#arrivals.add();
    }, delay);
  }
}

async function* only(resolution: Resolution): AsyncGenerator<Resolution, void, undefined> {
  yield resolution;
}
