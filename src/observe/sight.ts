import type { Settings } from '../config/settings.ts';
import { clearInterval, setInterval } from '../core/base/clock.ts';
import { isProcessHeld } from '../core/base/process-hold.ts';
import { Following } from '../core/discovery/following.ts';
import { ApiError } from '../core/discovery/kubernetes/api.ts';
import { ClusterNames } from '../core/discovery/kubernetes/cluster-names.ts';
import { thisPlace } from '../core/discovery/kubernetes/place.ts';
import type { EndpointAddress } from '../core/discovery/resolver.ts';
import { resolverFor } from '../transports/resolver-for.ts';
import type { ClientName, Target } from './traffic.ts';

/** Whether requests to an origin would be balanced. Rejects when that can't be found out, or `signal` aborts before. */
export type Manages = (origin: string, settings: Settings, signal: AbortSignal) => Promise<boolean>;

/** The same, by who sends them. */
export type Managing = Readonly<Record<ClientName, Manages>>;

/** What evenkeel would see of an origin. */
export interface Sight {
  /** Whether it would balance it at all; none: that can't be found out now. */
  readonly managed: boolean | undefined;
  readonly source: string | undefined;
  readonly endpoints: readonly EndpointAddress[];
  /** A mesh's proxy is left to balance. */
  readonly passive: boolean;
  /** Why it would see no more: what to grant, for example. */
  readonly warning: string | undefined;
}

const FIRST_ANSWER = 5_000;
const API_ANSWER = 5_000;
/** How often it is looked whether look-ups are all that keeps the process alive. Most are over before. */
const CHECK_INTERVAL = 1_500;

/** Sees what there is to see behind origins, as an agent would that was installed here. */
export class Sights {
  /** Those of the agent that would be installed. */
  settings: Settings;
  readonly #manages: Managing;
  readonly #place = thisPlace();
  /** By the key of the target. */
  readonly #known = new Map<string, Sight>();

  constructor(settings: Settings, manages: Managing) {
    this.settings = settings;
    this.#manages = manages;
  }

  of({ key }: Target): Sight | undefined {
    return this.#known.get(key);
  }

  /** Looks at these again, and forgets all others. */
  async lookAll(targets: ReadonlyMap<string, Target>): Promise<void> {
    for (const key of this.#known.keys()) if (!targets.has(key)) this.#known.delete(key);
    await Promise.all(Array.from(targets.values(), (target) => this.look(target)));
  }

  /** Looks, once. Never throws. It is given up when the process has nothing else to do. */
  async look({ key, client, origin }: Target): Promise<void> {
    const following = new Following();
    const check = setInterval(() => isHeld() || following.stop(), CHECK_INTERVAL).unref();
    try {
      const managed = await this.#manages[client](origin, this.settings, following.signal);
      if (managed) await this.#follow(following, new URL(origin));
      if (!following.signal.aborted) this.#known.set(key, sightOf(managed, following));
    } catch (error) {
      const known = { managed: undefined, source: undefined, endpoints: [], passive: false };
      if (!following.signal.aborted) this.#known.set(key, { ...known, warning: (error as Error).message });
    } finally {
      clearInterval(check);
      following.stop();
    }
  }

  async #follow(following: Following, url: URL): Promise<void> {
    const { hostname, protocol, port } = url;
    following.start(resolverFor(this.settings, this.#place, following.trace), {
      hostname: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port) || (protocol === 'https:' ? 443 : 80),
      protocol: protocol === 'https:' ? protocol : 'http:',
    });
    await following.first(FIRST_ANSWER);
    const names = new ClusterNames(this.settings.kubernetes.clusterDomain, this.#place);
    if (this.#asksKubernetes(following, names)) await following.answered(API_ANSWER, names);
  }

  /** Whether the API will have a say. */
  #asksKubernetes({ resolution }: Following, names: ClusterNames): boolean {
    const { discovery, kubernetes } = this.settings;
    const { apiHost, kubeconfig } = this.#place;
    if (discovery === 'dns' || (apiHost ?? kubeconfig ?? kubernetes.kubeconfig) === undefined) return false;
    if (resolution === undefined || 'error' in resolution || resolution.passive) return false;
    return names.serviceOf(resolution.matchedName ?? '') !== undefined;
  }
}

/** A process of `node:cluster` may have nothing but the channel to the first one. */
function isHeld(): boolean {
  return process.connected || isProcessHeld();
}

function sightOf(managed: boolean, { resolution, trace: { warnings, error } }: Following): Sight {
  const known = resolution !== undefined && 'endpoints' in resolution ? resolution : undefined;
  const refused = error instanceof ApiError || error === undefined ? undefined : error.message;
  return {
    managed,
    source: known?.source,
    endpoints: known?.endpoints ?? [],
    passive: known?.passive === true,
    warning: warnings[0]?.message ?? refused,
  };
}
