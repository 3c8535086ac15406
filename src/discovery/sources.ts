import type { Settings } from '../config/settings.ts';
import type { Resolver } from './resolver.ts';

/** The resolver that the settings ask for. */
export function resolverFor({ discovery }: Settings): Resolver {
  if (typeof discovery === 'function') return discovery;
  throw new Error('not yet');
}
