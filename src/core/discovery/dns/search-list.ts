import type { ResolvConf } from './resolv-conf.ts';

type SearchOptions = Pick<ResolvConf, 'search' | 'ndots'>;

/**
 * The names to ask for, in order, for `hostname`, as `res_search` of glibc has it. They end without a dot. A final dot
 * of `hostname` makes it absolute.
 */
export function searchList(hostname: string, { search, ndots }: SearchOptions): string[] {
  if (hostname.endsWith('.')) return [hostname.slice(0, -1)];
  const inDomains = search.map((domain) => (domain === '' ? hostname : `${hostname}.${domain}`));
  const dots = hostname.split('.').length - 1;
  const names = dots >= ndots ? [hostname, ...inDomains] : [...inDomains, hostname];
  return [...new Set(names)];
}
