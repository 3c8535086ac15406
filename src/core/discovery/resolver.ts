/** A service as its callers name it. */
export interface ResolveTarget {
  /** The name in the URL, as written there, or an IP address. */
  readonly hostname: string;
  /** The port in the URL, or the scheme's default. */
  readonly port: number;
  readonly protocol: 'http:' | 'https:';
}

/** One address that serves requests: usually a pod. */
export interface EndpointAddress {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  /**
   * A name that no other pod ever has, such as the pod's uid. With it, evenkeel can tell two pods apart that had the same
   * address one after the other. An endpoint that gains or loses its id is still the same; one whose id changes isn't.
   */
  readonly id?: string | undefined;
  readonly zone?: string | undefined;
  readonly nodeName?: string | undefined;
  /**
   * The share of requests, relative to the other endpoints; default 1. 0 counts as 0.01: to give an endpoint no requests,
   * leave it out.
   */
  readonly weight?: number | undefined;
}

/** What a resolver knows about a service at one moment. Each value replaces the one before. */
export type Resolution =
  | {
      /** All endpoints, in any order. None means that the service exists and nobody serves it. */
      readonly endpoints: readonly EndpointAddress[];
      /** Where they came from, for people: `dns`, `hosts`, `static`, `endpointslices`, … */
      readonly source: string;
      /**
       * The name no longer leads to these endpoints, but may come back. evenkeel keeps using open connections, and
       * dials nothing, because an address may belong to another pod by now.
       */
      readonly withdrawn?: boolean;
      /**
       * When these endpoints become too old to be dialled, in monotonic milliseconds (those of the clock). evenkeel
       * then waits for the next value first. Matters after a service was idle for a while.
       */
      readonly validUntil?: number;
      /** The single address is a virtual IP: something behind it picks a pod for each connection. */
      readonly virtual?: boolean;
      /** Where this client runs, if the resolver knows it. The option `locality` needs it. */
      readonly here?: { readonly zone?: string | undefined; readonly nodeName?: string | undefined };
      /** The full name that the host name led to, without a final dot: `orders.prod.svc.cluster.local`. */
      readonly matchedName?: string;
      /**
       * A proxy between evenkeel and the pods (of a service mesh) picks, retries and ejects by itself. evenkeel dials
       * these addresses as they are, and ejects none of them.
       */
      readonly passive?: boolean;
      /**
       * The resolver learns about changes without asking. So evenkeel asks for the next value at once, whether the
       * service is in use or not.
       */
      readonly pushed?: boolean;
      /**
       * evenkeel calls this when it can connect to none of these endpoints: it has dialled each, and each last dial
       * failed. The resolver may then yield another way to the service. evenkeel may call it several times. If it
       * returns `true`, the resolver will soon yield again, and evenkeel doesn't fail waiting requests before that.
       */
      readonly onUnreachable?: () => unknown;
      /**
       * evenkeel calls this when a request has waited for a quarter of a second, dials are under way, and none of these
       * endpoints is connected, or those that are take no waiting request. The resolver may look for a faster way, and
       * yield it. evenkeel may call it several times.
       */
      readonly onSlow?: () => void;
      /**
       * evenkeel calls this when a request comes and there are no endpoints. The resolver may look for another way to
       * the service, and yield it. evenkeel may call it several times.
       */
      readonly onWanted?: () => void;
    }
  | {
      /** Why the resolver knows nothing new. The last set stays in use. If there is none, requests fail with this error. */
      readonly error: Error;
      readonly source?: string;
      /**
       * When the resolver asked the question that ended with this error, in monotonic milliseconds (those of the
       * clock). Requests that came later keep waiting for the next value. Default: all waiting requests fail.
       */
      readonly askedAt?: number;
      /**
       * The resolver asks once more by itself within a fraction of a second, because a single answer may be wrong. If
       * several requests wait, only the first one fails with this error.
       */
      readonly asksAgain?: boolean;
    };

/**
 * Follows one service. Yield what you know about it at once, and again whenever that changes, until `signal` aborts.
 * evenkeel asks for the next value only while the service is in use, so a resolver that polls stops by itself when nobody
 * calls the service. If the resolver returns, its last set stays for good. If it throws, that counts as an error that it
 * yielded, and evenkeel starts it again after a pause.
 */
export type Resolver = (target: ResolveTarget, signal: AbortSignal) => AsyncIterable<Resolution>;

/** A set of endpoints, as a resolver yields it. */
export type EndpointUpdate = Extract<Resolution, { endpoints: unknown }>;
