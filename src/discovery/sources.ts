import type { Settings } from '../config/settings.ts';
import { dnsResolver } from './dns/dns-resolver.ts';
import type { Resolver } from './resolver.ts';

/** The resolver that the settings ask for. */
export function resolverFor({ discovery, dns, clock, random }: Settings): Resolver {
  if (typeof discovery === 'function') return discovery;
  return dnsResolver({ ...dns, clock, random });
}
