/** What calls are told: how long they wait, and whether they are sent again. Durations are in milliseconds. */
export interface CallSettings {
  maxPendingRequests: number;
  endpointTimeout: number;
  /** The same for one that waits for news of endpoints, while none is dialled. */
  newsTimeout: number;
  /** Whether addresses of a name's other family may be tried where connections are slow to come. */
  comparesFamilies: boolean;
  /** `false`: calls are sent once, come what may. */
  retry: RetrySettings | false;
  ringHash: BoundSettings;
}

/** How calls are bound to endpoints by a key. */
export interface BoundSettings {
  /** How much more than the mean an endpoint may carry; 0: no bound. */
  balanceFactor: number;
}

/** Why a call may be sent again. */
export type RetryReason =
  /** HTTP/2: the server says that it has not looked at it. */
  | 'refused'
  /** The connection, or the stream, has ended before a response. */
  | 'reset'
  /** The endpoint has stopped to answer at all. */
  | 'unresponsive';

/** How a server says that it has not looked at an attempt. */
export type Refusal =
  /** It says so of that one. */
  | 'refused'
  /** It had said, meanwhile, that it takes no more. */
  | 'gone-away'
  /** It had said, meanwhile, that it takes fewer, though some: others of those that it was sent are served. */
  | 'over-limit';

export const RETRY_REASONS: readonly RetryReason[] = ['refused', 'reset', 'unresponsive'];

export interface RetrySettings {
  attempts: number;
  budget: number;
  minRetriesPerSecond: number;
  reasons: readonly RetryReason[];
}
