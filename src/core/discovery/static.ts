import type { EndpointAddress, Resolver } from './resolver.ts';

/** A resolver that knows its endpoints from the start, whatever the service. */
export function staticResolver(endpoints: readonly EndpointAddress[]): Resolver {
  return async function* () {
    yield { endpoints, source: 'static' };
  };
}
