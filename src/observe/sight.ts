import type { Settings } from '../config/settings.ts';
import { clearInterval, setInterval } from '../core/base/clock.ts';
import { isProcessHeld } from '../core/base/process-hold.ts';
import { withoutBrackets } from '../core/base/without-brackets.ts';
import { Following } from '../core/discovery/following.ts';
import { ApiError } from '../core/discovery/kubernetes/api.ts';
import { ClusterNames } from '../core/discovery/kubernetes/cluster-names.ts';
import { thisPlace } from '../core/discovery/kubernetes/place.ts';
import type { EndpointAddress } from '../core/discovery/resolver.ts';
import { resolverFor } from '../transports/resolver-for.ts';
import type { ClientName, Target } from './traffic.ts';

/**
 * Whether evenkeel would balance requests to an origin. Rejects if that can't be found out, or if `signal` aborts
 * first.
 */
export type Manages = (origin: string, settings: Settings, signal: AbortSignal) => Promise<boolean>;

/** The same for each client that sends requests. */
export type Managing = Readonly<Record<ClientName, Manages>>;

/** What evenkeel would know about an origin. */
export interface Sight {
  /** Whether evenkeel would balance it; `undefined`: that can't be found out now. */
  readonly managed: boolean | undefined;
  readonly source: string | undefined;
  readonly endpoints: readonly EndpointAddress[];
  /** Whether the proxy of a mesh would balance. */
  readonly passive: boolean;
  /** Why evenkeel would not know more: which right to grant, for example. */
  readonly warning: string | undefined;
}

const FIRST_ANSWER = 5_000;
const API_ANSWER = 5_000;
/** Milliseconds from one check to the next whether only look-ups keep the process alive. Most look-ups are over before. */
const CHECK_INTERVAL = 1_500;

/** Finds out what an agent that is installed here would know about origins. */
export class Sights {
  /** The settings of the agent that would be installed. */
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

  /** Looks at these targets again, and forgets all others. */
  async lookAll(targets: ReadonlyMap<string, Target>): Promise<void> {
    for (const key of this.#known.keys()) if (!targets.has(key)) this.#known.delete(key);
    await Promise.all(Array.from(targets.values(), (target) => this.look(target)));
  }

  /** Looks at a target once. Never throws. Gives up when nothing else keeps the process alive. */
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
      hostname: withoutBrackets(hostname),
      port: Number(port) || (protocol === 'https:' ? 443 : 80),
      protocol: protocol === 'https:' ? protocol : 'http:',
    });
    await following.first(FIRST_ANSWER);
    const names = new ClusterNames(this.settings.kubernetes.clusterDomain, this.#place);
    if (this.#asksKubernetes(following, names)) await following.answered(API_ANSWER, names);
  }

  /** Whether the Kubernetes API would be asked. */
  #asksKubernetes({ resolution }: Following, names: ClusterNames): boolean {
    const { discovery, kubernetes } = this.settings;
    const { apiHost, kubeconfig } = this.#place;
    if (discovery === 'dns' || (apiHost ?? kubeconfig ?? kubernetes.kubeconfig) === undefined) return false;
    if (resolution === undefined || 'error' in resolution || resolution.passive) return false;
    return names.serviceOf(resolution.matchedName ?? '') !== undefined;
  }
}

/** In a process of `node:cluster`, only the channel to the primary may be open. */
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
