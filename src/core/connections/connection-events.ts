import type { Pooled } from './endpoint-connections.ts';
import type { PooledEndpoint } from './pooled-endpoint.ts';
import type { Wire } from './wire.ts';

/** What connections and dials tell the pool. */
export interface ConnectionEvents<C extends Pooled> {
  /** A connection will reach its age soon, and those that stay are too few for the traffic of the last moments. */
  onAging(endpoint: PooledEndpoint<C>): void;
  /** Whether a connection lives on past its age, for nothing could take its place yet. Tries to make what could. */
  outlivesAge(endpoint: PooledEndpoint<C>): boolean;
  /** A connection takes requests no more. */
  onRetired(connection: C): void;
  /** A retired connection has closed. */
  onClosed(connection: C): void;
  /** A dial has made a wire. */
  onConnected(endpoint: PooledEndpoint<C>, wire: Wire): void;
  /** An endpoint is not to be reached for a while. */
  onUnreached(endpoint: PooledEndpoint<C>, error: Error): void;
  /** A dial has ended in vain. */
  onDialFailed(endpoint: PooledEndpoint<C>, error: Error): void;
  onDialAbandoned(endpoint: PooledEndpoint<C>): void;
  /** An endpoint whose dial had failed may be dialled again unasked. */
  onBackoffOver(endpoint: PooledEndpoint<C>): void;
}
