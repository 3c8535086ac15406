import type { Pooled } from './endpoint-connections.ts';
import type { PooledEndpoint } from './pooled-endpoint.ts';
import type { Wire } from './wire.ts';

/** What connections and dials tell the pool. */
export interface ConnectionEvents<C extends Pooled> {
  /** A connection will reach its age soon, and the other ones are too few for recent traffic. */
  onAging(endpoint: PooledEndpoint<C>): void;
  /** Whether a connection lives on past its age, because nothing can take its place yet. Tries to make a successor. */
  outlivesAge(endpoint: PooledEndpoint<C>): boolean;
  /** Whether another connection may take the place of one, for all we know. */
  mayReplace(endpoint: PooledEndpoint<C>): boolean;
  /** A connection takes no more requests. */
  onRetired(connection: C): void;
  /** A retired connection has closed. */
  onClosed(connection: C): void;
  /** A dial has made a wire. */
  onConnected(endpoint: PooledEndpoint<C>, wire: Wire): void;
  /** An endpoint can't be reached for a while. */
  onUnreached(endpoint: PooledEndpoint<C>, error: Error): void;
  /** A dial has failed. */
  onDialFailed(endpoint: PooledEndpoint<C>, error: Error): void;
  onDialAbandoned(endpoint: PooledEndpoint<C>): void;
  /** The back-off of an endpoint is over: it may be dialled again, also without a waiting request. */
  onBackoffOver(endpoint: PooledEndpoint<C>): void;
}
