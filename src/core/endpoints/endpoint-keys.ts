import type { EndpointAddress } from '../discovery/resolver.ts';

/** The endpoints by key, each once. */
export function endpointsByKey(endpoints: readonly EndpointAddress[]): Map<string, EndpointAddress> {
  return new Map(endpoints.map((endpoint) => [formatAddress(endpoint), endpoint]));
}

/**
 * Makes `spread` endpoints of each virtual address. They share the address, and their connections lead to any of the
 * pods behind it.
 */
export function spreadByKey(
  endpoints: readonly EndpointAddress[],
  spread: number,
): Map<string, EndpointAddress> {
  const byKey = new Map<string, EndpointAddress>();
  for (const [address, endpoint] of endpointsByKey(endpoints)) {
    for (let n = 0; n < spread; n++) byKey.set(`${address}#${n}`, { ...endpoint });
  }
  return byKey;
}

/** The number of an endpoint among those with the same address, from 0. */
export function slotOf(key: string): number {
  return Number(key.slice(key.lastIndexOf('#') + 1));
}

/** The address and the port, as in a URL. */
export function formatAddress({ address, port }: EndpointAddress): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Whether two endpoints with the same address are the same. A new pod that got the address of an old one isn't. */
export function isSameEndpoint(before: EndpointAddress, after: EndpointAddress): boolean {
  return before.id === undefined || after.id === undefined || before.id === after.id;
}
