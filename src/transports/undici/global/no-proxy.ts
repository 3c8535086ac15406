const DEFAULT_PORTS: Record<string, number> = { 'http:': 80, 'https:': 443 };

/**
 * Whether a `no_proxy` list exempts a URL from the environment's proxy, as undici's EnvHttpProxyAgent reads it: a name
 * stands for itself and all names below it, `*.name` only for those below, `*` for all; each with a port or without.
 */
export function exempts(noProxy: string, { hostname, port, protocol }: URL): boolean {
  const name = normalize(hostname);
  const number = Number(port) || DEFAULT_PORTS[protocol];
  return noProxy.split(/[,\s]/).some((entry) => {
    if (entry === '') return false;
    const { host, port } = splitEntry(entry);
    if (port !== undefined && port !== number) return false;
    const suffix = normalize(host.replace(/^\*?\./, ''));
    if (host === '*') return true;
    return (!host.startsWith('*') && name === suffix) || name.endsWith(`.${suffix}`);
  });
}

function splitEntry(entry: string): { host: string; port: number | undefined } {
  // With more than one colon, it is an IPv6 address. Its port comes after brackets.
  const [, host = entry, port] = /^(\[.+\]|[^:]+):(\d+)$/.exec(entry) ?? [];
  return { host, port: port === undefined ? undefined : Number(port) };
}

function normalize(host: string): string {
  return host
    .replace(/^\[(.+)\]$/, '$1')
    .replace(/(.)\.$/, '$1')
    .toLowerCase();
}
