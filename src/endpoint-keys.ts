import type { EndpointAddress, Resolution } from './discovery/resolver.ts';

/** A set of endpoints, as a resolver yields it. */
export type EndpointUpdate = Extract<Resolution, { endpoints: unknown }>;

/**
 * The endpoints of an update, each once, by what tells them apart. A virtual address becomes as many as
 * `spread`, which share it: their connections lead to whichever pods are drawn behind it.
 */
export function endpointsByKey(
  { endpoints, virtual }: EndpointUpdate,
  spread: number,
): Map<string, EndpointAddress> {
  const byKey = new Map<string, EndpointAddress>();
  for (const endpoint of endpoints) {
    const address = formatAddress(endpoint);
    if (!virtual) byKey.set(address, endpoint);
    else for (let slot = 0; slot < spread; slot++) byKey.set(`${address}#${slot}`, { ...endpoint });
  }
  return byKey;
}

/** As in a URL. */
export function formatAddress({ address, port }: EndpointAddress): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Whether the same address at two moments is the same endpoint. A pod that came by another's is not. */
export function isSameEndpoint(before: EndpointAddress, after: EndpointAddress): boolean {
  return before.id === undefined || after.id === undefined || before.id === after.id;
}
