import type { DnsClient } from './dns/dns-client.ts';
import { type DnsResolverOptions, dnsResolver } from './dns/dns-resolver.ts';
import type { ClusterNames } from './kubernetes/cluster-names.ts';
import type { Resolver } from './resolver.ts';
import { noticeVirtual } from './virtual.ts';

/** A resolver of names by DNS, which tells virtual IPs from pods. */
export function namesResolver(
  options: DnsResolverOptions,
  names: ClusterNames,
  client?: DnsClient,
): Resolver {
  return noticeVirtual(dnsResolver(options, client), names);
}
