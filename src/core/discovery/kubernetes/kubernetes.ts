import type { Clock } from '../../base/clock.ts';
import { until } from '../dns/abortable.ts';
import { Families, type Family } from '../dns/families.ts';
import type { ResolveTarget } from '../resolver.ts';
import type { KubernetesSettings } from '../settings.ts';
import type { Trace } from '../trace.ts';
import { Affinity } from './affinity.ts';
import type { ApiTransport } from './api.ts';
import { ApiClient } from './api-client.ts';
import { NoTokenError } from './api-way.ts';
import type { ClusterNames } from './cluster-names.ts';
import { Complaints } from './complaints.ts';
import type { Finding } from './finding.ts';
import { possibleService, type ServiceName } from './match.ts';
import { OwnLocationFinder } from './own-location.ts';
import type { Place } from './place.ts';
import { Scouts } from './scouts.ts';
import { ServiceView } from './service-view.ts';
import { ServiceWatch } from './service-watch.ts';
import type { Slice } from './slice.ts';
import type { Warn } from './warnings.ts';

export interface KubernetesOptions {
  /** Opens the way to the API when it is first needed. */
  open: () => Promise<ApiTransport>;
  names: ClusterNames;
  settings: KubernetesSettings;
  family: 'auto' | Family;
  place: Place;
  clock: Clock;
  random: () => number;
  warn: Warn;
  /** Over how many milliseconds clients that start together spread their first request. */
  startSpread: number;
  trace?: Trace | undefined;
}

interface SharedWatch {
  readonly watch: ServiceWatch;
  users: number;
}

const DEFAULT_NAMESPACE = 'default';
/** Milliseconds to the first look for a token. A look costs nearly nothing, and most late tokens come soon. */
const FIRST_LOOK = 1_000;
const LAST_LOOK = 30_000;

/** Knows the Services in use. Each Service is watched once, however many callers follow it. */
export class Kubernetes {
  readonly #options: KubernetesOptions;
  readonly #own: OwnLocationFinder;
  readonly #affinity: Affinity;
  readonly #scouts: Scouts;
  readonly #watches = new Map<string, SharedWatch>();
  #transport: Promise<ApiTransport> | undefined;

  constructor(options: KubernetesOptions) {
    const { place, settings, clock } = options;
    this.#options = options;
    this.#scouts = new Scouts(clock);
    this.#own = new OwnLocationFinder(place, settings);
    this.#affinity = new Affinity(place.hostname, clock);
  }

  /**
   * Follows a Service for callers that call it as `target`. Yields what is found, and again when that changes, until
   * `signal` aborts. Never throws.
   */
  async *follow(
    service: ServiceName,
    target: ResolveTarget,
    signal: AbortSignal,
  ): AsyncGenerator<Finding, void, undefined> {
    const transport = yield* this.#opened(signal);
    if (transport === undefined) return;
    const { clock, random, place, family, warn, trace } = this.#options;
    const watch = this.#join(service, transport);
    try {
      const view = new ServiceView({
        watch,
        service,
        fullName: this.#options.names.fullName(service),
        target,
        own: this.#own,
        families: new Families(family, place.interfaces),
        affinity: this.#affinity,
        clock,
        random,
        warn,
        trace,
      });
      yield* view.findings(signal);
    } finally {
      this.#leave(service);
    }
  }

  /** Follows the Service that `target` may mean: `svc` or `svc.ns`. */
  async *guess(target: ResolveTarget, signal: AbortSignal): AsyncGenerator<Finding, void, undefined> {
    const transport = yield* this.#opened(signal);
    if (transport === undefined) return;
    const namespace = this.#options.settings.namespace ?? transport.namespace ?? DEFAULT_NAMESPACE;
    const service = possibleService(target.hostname, namespace);
    if (service === undefined) yield { name: 'unknown', error: undefined };
    else yield* this.follow(service, target, signal);
  }

  /** Waits for a way to the API, if there may be one later. Returns none if there won't be one. */
  async *#opened(signal: AbortSignal): AsyncGenerator<Finding, ApiTransport | undefined, undefined> {
    const { clock, warn, trace } = this.#options;
    let pause = FIRST_LOOK;
    while (!signal.aborted) {
      try {
        return await this.#open();
      } catch (error) {
        if (pause === FIRST_LOOK) {
          trace?.addFailure(error as Error);
          yield { name: 'unknown', error: error as Error };
        }
        if (!(error instanceof NoTokenError)) {
          warn('EVENKEEL_KUBECONFIG', (error as Error).message);
          return undefined;
        }
      }
      await until(clock.now() + pause, clock, signal);
      pause = Math.min(pause * 2, LAST_LOOK);
    }
    return undefined;
  }

  /** If the way can't be opened now, the next call tries again. */
  #open(): Promise<ApiTransport> {
    this.#transport ??= this.#options.open().catch((error: unknown) => {
      this.#transport = undefined;
      throw error;
    });
    return this.#transport;
  }

  #join(service: ServiceName, transport: ApiTransport): ServiceWatch {
    const key = `${service.namespace}/${service.name}`;
    let shared = this.#watches.get(key);
    if (shared === undefined)
      this.#watches.set(key, (shared = { watch: this.#watch(service, transport), users: 0 }));
    shared.users += 1;
    return shared.watch;
  }

  #leave(service: ServiceName): void {
    const key = `${service.namespace}/${service.name}`;
    const shared = this.#watches.get(key);
    if (shared === undefined || --shared.users > 0) return;
    shared.watch.stop();
    this.#watches.delete(key);
  }

  #watch(service: ServiceName, transport: ApiTransport): ServiceWatch {
    const { clock, random, startSpread, warn, trace } = this.#options;
    return new ServiceWatch({
      client: new ApiClient(transport, clock),
      service,
      clock,
      random,
      scouts: this.#scouts,
      startSpread,
      complaints: new Complaints(service, warn, trace),
      onSlice: (slice) => this.#learn(slice),
    });
  }

  /** The place of this process matters for other Services too. */
  #learn(slice: Slice): void {
    if (!this.#own.learn(slice)) return;
    for (const { watch } of this.#watches.values()) watch.changes.add();
  }
}
