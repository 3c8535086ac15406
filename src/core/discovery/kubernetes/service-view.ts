import type { Clock } from '../../base/clock.ts';
import { unlessAborted, until } from '../dns/abortable.ts';
import type { Families } from '../dns/families.ts';
import type { EndpointAddress, Resolution, ResolveTarget } from '../resolver.ts';
import type { Trace } from '../trace.ts';
import type { Affinity } from './affinity.ts';
import { type Finding, sameFinding } from './finding.ts';
import type { ServiceName } from './match.ts';
import { type Address, Reachability } from './reachability.ts';
import { type ClusterIPReason, type Route, route } from './route.ts';
import type { ServiceState, ServiceWatch } from './service-watch.ts';
import type { OwnLocation } from './topology.ts';
import { Vacancy } from './vacancy.ts';
import type { Warn } from './warnings.ts';

const BURST_INTERVAL = 50;
const SOURCE = 'endpointslices';

export interface ServiceViewOptions {
  watch: ServiceWatch;
  service: ServiceName;
  /** The full name of the Service, with the cluster domain. */
  fullName: string;
  target: ResolveTarget;
  own: OwnLocation;
  families: Families;
  affinity: Affinity;
  clock: Clock;
  random: () => number;
  warn: Warn;
  trace?: Trace | undefined;
}

/** One Service, as callers of one of its ports see it. */
export class ServiceView {
  readonly #options: ServiceViewOptions;
  readonly #reachability: Reachability;
  readonly #vacancy: Vacancy;
  readonly #servicePort: string;
  #pods: readonly EndpointAddress[] = [];
  #affinity: number | undefined;
  #askedForPort = false;
  /** Requests wait to hear that nothing has changed. */
  #mustRepeat = false;

  constructor(options: ServiceViewOptions) {
    const { clock, random, watch, fullName, target } = options;
    this.#options = options;
    this.#servicePort = `${fullName}:${target.port}`;
    const onChange = () => watch.changes.add();
    this.#reachability = new Reachability({ clock, random, onChange });
    this.#vacancy = new Vacancy({ clock, onChange });
  }

  /** Yields what is found now, and again when that changes: at once, but not for each change in a burst. */
  async *findings(signal: AbortSignal): AsyncGenerator<Finding, void, undefined> {
    const { watch, clock } = this.#options;
    let last: Finding | undefined;
    let lastError: string | undefined;
    try {
      while (!signal.aborted) {
        const { count } = watch.changes;
        const finding = this.#find(watch.state);
        const quietUntil = clock.now() + (finding === undefined ? 0 : BURST_INTERVAL);
        const error = watch.state.error;
        if (finding !== undefined && (this.#mustRepeat || !sameFinding(last, finding))) {
          last = finding;
          this.#mustRepeat = false;
          yield finding;
        } else if (finding?.name === 'resolved' && error?.message !== lastError) {
          lastError = error?.message;
          yield error === undefined ? finding : { name: 'resolved', resolution: { error, source: SOURCE } };
        }
        await unlessAborted(watch.changes.since(count), signal);
        await until(quietUntil, clock, signal);
      }
    } finally {
      this.#close();
    }
  }

  #find(state: ServiceState): Finding | undefined {
    if (state.name === 'unavailable') {
      return state.error === undefined ? undefined : { name: 'unknown', error: state.error };
    }
    const { spec, slices, overlap } = state;
    const { own, families, target, service, trace } = this.#options;
    if (spec === 'absent') {
      trace?.addService(service, undefined);
      return { name: 'unknown', error: undefined };
    }
    // DNS says the same about its name, also if the API can't be asked.
    if (spec.kind === 'alias' && state.error !== undefined) return { name: 'unknown', error: state.error };
    const affinity = spec.kind === 'cluster-ip' ? spec.affinity : undefined;
    if (affinity === undefined) this.#unbind();
    this.#affinity = affinity;
    const supply = { spec, slices, overlap };
    const way = route(supply, { port: target.port, own, families });
    trace?.addService(service, { supply, route: way });
    return this.#findOn(way);
  }

  #findOn(to: Route): Finding | undefined {
    const { target, affinity } = this.#options;
    switch (to.way) {
      case 'none':
        return { name: 'unknown', error: undefined };
      case 'alias':
        return { name: 'alias', hostname: to.hostname };
      case 'cluster-ip':
        // The Service may have got this port since it was read.
        if (to.reason === 'port-unknown' && this.#readsForPort()) return undefined;
        this.#warn(to.reason);
        return this.#virtual(to.clusterIP);
      case 'pods': {
        this.#askedForPort = false;
        this.#pods = to.pods.map((pod) => pod.target);
        const { clusterIP } = to;
        if (clusterIP === undefined) return this.#resolved({ endpoints: this.#pods });
        const around = { address: clusterIP, port: target.port };
        if (this.#pods.length === 0) return this.#findWithoutPods(around);
        this.#vacancy.end();
        if (!this.#reachability.reachable) {
          this.#warn('unreachable');
          return this.#virtual(clusterIP);
        }
        const bound = this.#affinity !== undefined && affinity.choose(this.#servicePort, to.pods);
        return this.#resolved({
          endpoints: bound ? [bound.target] : this.#pods,
          onUnreachable: () => {
            void this.#lookAround(around);
            return this.#reachability.hasNews;
          },
        });
      }
    }
  }

  async #lookAround(around: Address): Promise<void> {
    const isDown = await this.#reachability.onUnreachable(around, () => this.#pods);
    if (!isDown) return;
    this.#mustRepeat = true;
    this.#options.watch.changes.add();
  }

  /** What is heard may be wrong or late, so a request that comes is given to the ClusterIP if that takes connections. */
  #findWithoutPods(around: Address): Finding {
    if (!this.#vacancy.serves) {
      return this.#resolved({ endpoints: [], onWanted: () => void this.#vacancy.ask(around) });
    }
    const onUnreachable = () => {
      this.#vacancy.lost();
      return true;
    };
    return this.#virtual(around.address, onUnreachable);
  }

  #virtual(address: string, onUnreachable?: () => boolean): Finding {
    const endpoints = [{ address, port: this.#options.target.port }];
    const hook = onUnreachable && { onUnreachable };
    return this.#resolved({ endpoints, source: 'clusterip', virtual: true, ...hook });
  }

  #resolved(resolution: Pick<Resolved, 'endpoints'> & Partial<Resolved>): Finding {
    const { fullName, own } = this.#options;
    const here = { zone: own.zone, nodeName: own.nodeName };
    return {
      name: 'resolved',
      resolution: { source: SOURCE, pushed: true, matchedName: fullName, here, ...resolution },
    };
  }

  /** Has the Service read again once, because of the port. True until that is done. */
  #readsForPort(): boolean {
    const { watch } = this.#options;
    if (!this.#askedForPort) watch.readService();
    this.#askedForPort = true;
    return watch.readsService;
  }

  #warn(reason: ClusterIPReason | 'unreachable'): void {
    const { warn, fullName, target } = this.#options;
    const { code, says } = REASONS[reason];
    warn(
      code,
      `${fullName}: ${says(target.port)}. So evenkeel uses its ClusterIP, and kube-proxy chooses a pod for each connection`,
    );
  }

  #close(): void {
    this.#reachability.close();
    this.#vacancy.end();
    this.#unbind();
  }

  #unbind(): void {
    if (this.#affinity !== undefined) this.#options.affinity.release(this.#servicePort, this.#affinity);
    this.#affinity = undefined;
  }
}

type Resolved = Extract<Resolution, { endpoints: unknown }>;

const REASONS: Record<ClusterIPReason | 'unreachable', { code: string; says: (port: number) => string }> = {
  'port-unknown': {
    code: 'EVENKEEL_PORT_UNKNOWN',
    says: (port) => `the Service has no TCP port ${port}`,
  },
  'node-unknown': {
    code: 'EVENKEEL_NODE_UNKNOWN',
    says: () =>
      'internalTrafficPolicy is Local, and evenkeel does not know which node it runs on (set EVENKEEL_KUBERNETES_NODE_NAME from spec.nodeName)',
  },
  global: {
    code: 'EVENKEEL_GLOBAL_SERVICE',
    says: () => 'this is a global Service, and its EndpointSlices do not show the pods in other clusters',
  },
  unreachable: {
    code: 'EVENKEEL_PODS_UNREACHABLE',
    says: () =>
      'evenkeel can connect to none of its pods, but to its ClusterIP (is there a NetworkPolicy, or no route to pods?)',
  },
};
