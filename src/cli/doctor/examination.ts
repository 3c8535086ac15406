import type { SettingInForce } from '../../config/in-force.ts';
import type { LookUpStep } from '../../core/discovery/dns/look-up.ts';
import type { Right } from '../../core/discovery/kubernetes/access.ts';
import type { ServiceName } from '../../core/discovery/kubernetes/match.ts';
import type { Route, Supply } from '../../core/discovery/kubernetes/route.ts';
import type { Resolution } from '../../core/discovery/resolver.ts';
import type { ClientSeen } from './clients.ts';

/** All that was found out about a URL, from this place. */
export interface Examination {
  readonly url: URL;
  /** Of an installed agent: whether it would balance the URL's requests. */
  readonly managed: boolean;
  readonly names: NamesSeen;
  readonly kubernetes: KubernetesSeen;
  /** The service mesh whose proxy stands beside us. */
  readonly mesh: string | undefined;
  /** What discovery came to; none, if it said nothing in time. */
  readonly resolution: Resolution | undefined;
  readonly endpoints: readonly EndpointSeen[];
  /** Endpoints to which nothing was dialled, as there are so many. */
  readonly notDialled: number;
  readonly response: ResponseSeen | undefined;
  /** Clients that are installed where the app is, and need more than the preload. */
  readonly clients: readonly ClientSeen[];
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  readonly settings: readonly SettingInForce[];
  /** Variables that change whether anything is balanced at all. */
  readonly switches: {
    readonly disabled: boolean;
    readonly mode: string | undefined;
    /** What is wrong with a variable that is nearly a switch. */
    readonly misspelt: string | undefined;
  };
}

export interface NamesSeen {
  readonly steps: readonly LookUpStep[];
  readonly servers: readonly string[];
  /** The name that it was found by, if DNS found it. */
  readonly matched: string | undefined;
}

export interface KubernetesSeen {
  /** How it can be asked; `none`: outside of a cluster, `no-account`: in one, without a token. */
  readonly way: 'service-account' | 'kubeconfig' | 'no-account' | 'none';
  /** Where it is, if known beforehand. */
  readonly api: string | undefined;
  /** Our service account. */
  readonly account: ServiceName | undefined;
  /** The Service that the name leads to, or could. */
  readonly service: ServiceName | undefined;
  /** None when there was no reason to ask. */
  readonly rights: readonly RightSeen[];
  /** `absent`: there's no such Service; none: it could not be read, or there was no reason to. */
  readonly seen: { readonly supply: Supply; readonly route: Route } | 'absent' | undefined;
  readonly error: Error | undefined;
}

export interface RightSeen extends Right {
  /** None: the API does not say. */
  readonly allowed: boolean | undefined;
}

export interface EndpointSeen {
  readonly address: string;
  readonly port: number;
  readonly zone: string | undefined;
  readonly nodeName: string | undefined;
  /**
   * `left out`: ready, but assigned to others by zone, node or affinity; `other port`: it has not the port that the Service
   * leads to; `ClusterIP`: no endpoint, but where requests go when none can be connected to.
   */
  readonly state: 'in use' | 'left out' | 'other port' | 'not ready' | 'terminating' | 'ClusterIP';
  /** Milliseconds that a dial took, or why it failed. */
  readonly dial: { readonly took: number } | { readonly error: Error } | undefined;
}

export interface ResponseSeen {
  /** Why there was none. */
  readonly error: Error | undefined;
  readonly status: number;
  /** Where it sends callers, if it is a redirect: without a query, which may hold what is secret. */
  readonly location: string | undefined;
  /** Seconds that the server says it keeps an idle connection. */
  readonly keepAlive: number | undefined;
  /** The server closes each connection after its response. */
  readonly closes: boolean;
  /** Milliseconds for which evenkeel would keep the connection idle. */
  readonly kept: number;
  /** The name that the pod gives itself, in the header that evenkeel looks at. */
  readonly identity: string | undefined;
}

/** Something to be said about an examination. */
export interface Finding {
  /** What it is about, for programs. */
  readonly code: string;
  /** What is so, and why. */
  readonly cause: string;
  /** What to do about it. */
  readonly next: string;
}

export interface Diagnosis {
  /** What keeps requests from being served, or from being balanced by pod. */
  readonly problems: readonly Finding[];
  /** What is good to know. */
  readonly advice: readonly Finding[];
}
