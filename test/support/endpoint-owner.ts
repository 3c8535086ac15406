import type { EndpointOwner } from '../../src/core/endpoints/endpoint.ts';

/** An owner of endpoints that does nothing about what they tell. */
export const IDLE_OWNER: EndpointOwner = {
  origin: 'http://orders.prod',
  place() {},
  onConnectivity() {},
  onRoom() {},
  onAging() {},
  outlivesAge: () => false,
  onConnectionRetired() {},
  onConnectionClosed() {},
  onClientEvent() {},
};
