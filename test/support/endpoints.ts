import type { Connection, Pod } from '../../src/core/connections/connection.ts';
import { PooledEndpoint, type PoolLimits } from '../../src/core/connections/pooled-endpoint.ts';
import { type Board, Endpoint } from '../../src/core/endpoints/endpoint.ts';

/** A board on which nothing follows from what changes. */
export const IDLE_BOARD: Board = {
  origin: 'http://orders.prod',
  maxRequests: Number.POSITIVE_INFINITY,
  usesConnectionsInTurn: true,
  update() {},
  changed() {},
  wake() {},
};

export const NO_LIMITS: PoolLimits = { connections: Number.POSITIVE_INFINITY, multiplexes: false };

/** An endpoint as it is without connections of its own. */
export function endpointOf(n: number, board: Board = IDLE_BOARD): Endpoint {
  return new Endpoint(`10.0.0.${n}:80`, { address: `10.0.0.${n}`, port: 80 }, board);
}

/** An endpoint that has no connection yet. */
export function podOf(n: number, board: Board = IDLE_BOARD, identity?: string): Pod {
  const info = { address: `10.0.${n >> 8}.${n & 255}`, port: 80 };
  const address = `${info.address}:80`;
  const key = identity === undefined ? address : `${address}@${identity}`;
  return new PooledEndpoint<Connection>(key, info, board, NO_LIMITS, identity);
}
