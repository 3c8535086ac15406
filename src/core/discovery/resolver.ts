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
       * The name no longer leads to these endpoints, and may come back: connections that live go on
       * being used, and nothing is dialled, for an address may be another pod's by now.
       */
      readonly withdrawn?: boolean;
      /**
       * Monotonic milliseconds (the clock's) after which these endpoints aren't dialled before the
       * resolver has spoken again. Matters to a service that was idle for a while.
       */
      readonly validUntil?: number;
      /** The single address is a virtual IP, behind which somebody else picks a pod per connection. */
      readonly virtual?: boolean;
      /** Where this client is, as far as is known: for those that prefer what is near. */
      readonly here?: { readonly zone?: string | undefined; readonly nodeName?: string | undefined };
      /** The full name that the host name led to, without a final dot: `orders.prod.svc.cluster.local`. */
      readonly matchedName?: string;
      /**
       * A proxy on the way (a service mesh's) picks, retries and ejects by itself: these addresses are
       * dialled as they are and none is ejected.
       */
      readonly passive?: boolean;
      /**
       * Changes come by themselves and cost nothing to wait for: the next value is asked for at once,
       * whether the service is in use or not.
       */
      readonly pushed?: boolean;
      /**
       * To be called when none of these endpoints can be connected to: each was dialled, and its last
       * dial failed. The resolver may then yield another way to the service. Calling it again is harmless.
       * When it returns `true`, it will soon have yielded again, and requests that wait aren't failed before.
       */
      readonly onUnreachable?: () => unknown;
      /**
       * To be called when a request has waited for a quarter of a second, none of these endpoints is connected, and dials
       * go on: they may be the wrong ones, or slow. The resolver may look for another way, and yield it if there is one
       * that is quicker. Calling it again is harmless.
       */
      readonly onSlow?: () => void;
    }
  | {
      /** Why nothing new is known. The last good set stays in use; with none, requests fail with this. */
      readonly error: Error;
      readonly source?: string;
      /**
       * Monotonic milliseconds (the clock's) when that was asked which ended so. Requests that came later go on
       * waiting for what is yielded next; default: all are failed.
       */
      readonly askedAt?: number;
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
