import type { Settings } from '../config/settings.ts';
import { dnsResolver } from './dns/dns-resolver.ts';
import type { Resolver } from './resolver.ts';
import { noticeVirtual } from './virtual.ts';

/** The resolver that the settings ask for. */
export function resolverFor({ discovery, dns, clock, random }: Settings): Resolver {
  if (typeof discovery === 'function') return discovery;
  return noticeVirtual(dnsResolver({ ...dns, clock, random }));
}
