import type { EndpointAddress } from '../discovery/resolver.ts';

/** Endpoints by what tells them apart, each once. */
export function endpointsByKey(endpoints: readonly EndpointAddress[]): Map<string, EndpointAddress> {
  return new Map(endpoints.map((endpoint) => [formatAddress(endpoint), endpoint]));
}

/**
 * A virtual address becomes as many endpoints as `spread`, which share it: their connections lead to
 * whichever pods are drawn behind it.
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

/** The number that an endpoint has among those that its address is taken for. */
export function slotOf(key: string): number {
  return Number(key.slice(key.lastIndexOf('#') + 1));
}

/** As in a URL. */
export function formatAddress({ address, port }: EndpointAddress): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Whether the same address at two moments is the same endpoint. A pod that came by another's is not. */
export function isSameEndpoint(before: EndpointAddress, after: EndpointAddress): boolean {
  return before.id === undefined || after.id === undefined || before.id === after.id;
}
