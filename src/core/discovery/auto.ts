import { isIP } from 'node:net';
import type { Clock, Timer } from '../base/clock.ts';
import { EvenkeelError } from '../base/errors.ts';
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
  /** Kubernetes was asked for, and not only hoped for: what it says is waited for. */
  wanted: boolean;
  /** Milliseconds for which endpoints stay in use when their name is gone. */
  negativeHold: number;
  clock: Clock;
}

/**
 * Makes a resolver that answers from DNS at once, and goes over to EndpointSlices once DNS has matched the name
 * of a Service and its slices are there; back to DNS when they can't be had any more. What was known last stays
 * in use until there's something in its place.
 */
export function autoResolver(options: AutoOptions): Resolver {
  return (target, signal) =>
    isIP(target.hostname.replace(/^\[|\]$/g, '')) === 0
      ? new Auto(options, target).follow(signal)
      : options.dns(target, signal);
}

type Endpoints = Extract<Resolution, { endpoints: unknown }>;

/** One host name followed by both. */
class Auto {
  readonly #options: AutoOptions;
  readonly #target: ResolveTarget;
  /** How many Services sent their callers here, each to the next. */
  readonly #aliases: number;
  readonly #arrivals = new Changes();
  #dns: Feed<Resolution> | undefined;
  #kubernetes: Feed<Finding> | undefined;
  #service: ServiceName | undefined;
  /** Where the Service sends its callers, and what is known of that name. */
  #alias: { readonly hostname: string; readonly feed: Feed<Resolution> } | undefined;
  /** Kubernetes has nothing to say any more, so that DNS is to replace what it led to. */
  #falling = false;
  /** Kubernetes is to speak before DNS is heard, for a while. */
  #hold: Timer | undefined;
  #held: Resolution | undefined;
  /** What Kubernetes found, or led to, until there's something in its place. */
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
        // Asked anew: what it said before Kubernetes took over may be long out of date.
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
      // No name of the public's: it may be a Service's, short for where we are.
      this.#startKubernetes(undefined);
    }
    if (this.#hold !== undefined) {
      this.#held = resolution;
      return [];
    }
    // Outside of the cluster its names are none, and what an alias leads to goes on being followed.
    const isElsewhere = this.#falling && this.#alias !== undefined;
    if (absent && this.#found !== undefined && !isElsewhere) return [this.#withdraw(this.#found)];
    if ('endpoints' in resolution) {
      this.#replace(undefined);
      if (this.#falling) this.#stopAlias();
    }
    return [resolution];
  }

  /** What the name says that the Service sends its callers to; should it lead nowhere, the Service's own may. */
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
    // Absolute: no search list is walked for it.
    const target = { ...this.#target, hostname: `${alias}.` };
    if (this.#aliases < MOST_ALIASES)
      return new Auto(this.#options, target, this.#aliases + 1).follow(signal);
    const message = `ExternalName Services lead from one to the next, past ${alias}`;
    return only({ error: new EvenkeelError(ALIASES, message) });
  }

  /** Without a name, the host name itself is taken for one. */
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

  /** The name is gone: its endpoints are used for as long as they were when DNS had given them. */
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
