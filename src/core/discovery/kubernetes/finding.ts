import type { Resolution } from '../resolver.ts';

/** What Kubernetes says about a host name. */
export type Finding =
  /** It is a Service, and these are its endpoints. */
  | { readonly name: 'resolved'; readonly resolution: Resolution }
  /** It is a Service that sends its callers to another name (ExternalName). */
  | { readonly name: 'alias'; readonly hostname: string }
  /** Nothing: there is no such Service, no right to see it, or no API. The next source must answer. */
  | { readonly name: 'unknown'; readonly error: Error | undefined };

/** Whether `b` says the same as `a`. */
export function sameFinding(a: Finding | undefined, b: Finding): boolean {
  if (a?.name === 'resolved' && b.name === 'resolved') return sameResolution(a.resolution, b.resolution);
  if (a?.name === 'alias' && b.name === 'alias') return a.hostname === b.hostname;
  return a?.name === 'unknown' && b.name === 'unknown' && a.error?.message === b.error?.message;
}

function sameResolution(a: Resolution, b: Resolution): boolean {
  if ('error' in a || 'error' in b) return 'error' in a && 'error' in b && a.error === b.error;
  if (a.here?.zone !== b.here?.zone || a.here?.nodeName !== b.here?.nodeName) return false;
  if (a.source !== b.source || a.endpoints.length !== b.endpoints.length) return false;
  return a.endpoints.every((endpoint, index) => {
    const other = b.endpoints[index];
    return (
      endpoint === other ||
      (endpoint.address === other?.address &&
        endpoint.port === other.port &&
        endpoint.id === other.id &&
        endpoint.zone === other.zone &&
        endpoint.nodeName === other.nodeName)
    );
  });
}
