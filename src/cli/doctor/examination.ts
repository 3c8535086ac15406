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
  /** Whether an installed agent would balance requests to this URL. */
  readonly managed: boolean;
  readonly names: NamesSeen;
  readonly kubernetes: KubernetesSeen;
  /** The service mesh whose proxy is beside this process. */
  readonly mesh: string | undefined;
  /** What discovery found; `undefined`: it found nothing in time. */
  readonly resolution: Resolution | undefined;
  readonly endpoints: readonly EndpointSeen[];
  /** How many endpoints were not dialled, because there are so many. */
  readonly notDialled: number;
  readonly response: ResponseSeen | undefined;
  /** Client packages beside the app that need more than the preload. */
  readonly clients: readonly ClientSeen[];
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  readonly settings: readonly SettingInForce[];
  /** Variables that decide whether evenkeel balances anything. */
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
  /** The name that DNS has found, if any. */
  readonly matched: string | undefined;
}

export interface KubernetesSeen {
  /** How the API can be asked. `none`: outside a cluster. `no-account`: in a cluster, but without a token. */
  readonly way: 'service-account' | 'kubeconfig' | 'no-account' | 'none';
  /** The URL of the API, if it is known. */
  readonly api: string | undefined;
  /** The service account of this process. */
  readonly account: ServiceName | undefined;
  /** The Service that the name leads to, or may lead to. */
  readonly service: ServiceName | undefined;
  /** Empty if there was no reason to ask. */
  readonly rights: readonly RightSeen[];
  /** `absent`: there is no such Service. `undefined`: it could not be read, or there was no reason to. */
  readonly seen: { readonly supply: Supply; readonly route: Route } | 'absent' | undefined;
  readonly error: Error | undefined;
}

export interface RightSeen extends Right {
  /** `undefined`: the API doesn't say. */
  readonly allowed: boolean | undefined;
}

export interface EndpointSeen {
  readonly address: string;
  readonly port: number;
  readonly zone: string | undefined;
  readonly nodeName: string | undefined;
  /**
   * `left out`: ready, but zone, node or affinity assign it to other clients. `other port`: it doesn't have the port
   * that the Service leads to. `ClusterIP`: no endpoint, but the address that requests go to if no endpoint can be
   * connected.
   */
  readonly state: 'in use' | 'left out' | 'other port' | 'not ready' | 'terminating' | 'ClusterIP';
  /** How many milliseconds the dial took, or why it failed. */
  readonly dial: { readonly took: number } | { readonly error: Error } | undefined;
}

export interface ResponseSeen {
  /** Why there was no response. */
  readonly error: Error | undefined;
  readonly status: number;
  /** Where a redirect leads, without the query, which may hold secrets. */
  readonly location: string | undefined;
  /** For how many seconds the server says it keeps an idle connection. */
  readonly keepAlive: number | undefined;
  /** Whether the server closes each connection after its response. */
  readonly closes: boolean;
  /** For how many milliseconds evenkeel would keep the connection idle. */
  readonly kept: number;
  /** The name that the pod gives itself, in the header that evenkeel reads. */
  readonly identity: string | undefined;
}

/** One finding of an examination. */
export interface Finding {
  /** Its code, for programs. */
  readonly code: string;
  /** What is the case, and why. */
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
