import { ResolverError } from '../base/errors.ts';
import { described, faultIn } from './checked.ts';
import type { EndpointAddress, Resolver } from './resolver.ts';

/**
 * A resolver with a fixed list of endpoints, the same for every service.
 *
 * @throws `ResolverError` if the list isn't a list of endpoints
 */
export function staticResolver(endpoints: readonly EndpointAddress[]): Resolver {
  if (!Array.isArray(endpoints)) {
    throw new ResolverError(`staticResolver takes a list of endpoints, got ${described(endpoints)}`);
  }
  const fault = faultIn(endpoints);
  if (fault !== undefined) {
    throw new ResolverError(`staticResolver got ${described(fault.endpoint)}; expected ${fault.expected}`);
  }
  return async function* () {
    yield { endpoints, source: 'static' };
  };
}
