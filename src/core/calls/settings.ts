/** The settings of calls: how long they wait, and whether they are sent again. Durations are in milliseconds. */
export interface CallSettings {
  maxPendingRequests: number;
  endpointTimeout: number;
  /** The same for a call that waits for discovery, while nothing is dialled. */
  newsTimeout: number;
  /** Whether discovery may try addresses of the other family if connections are slow to come. */
  comparesFamilies: boolean;
  /** `false`: calls are sent once only. */
  retry: RetrySettings | false;
  ringHash: BoundSettings;
}

/** How calls are bound to endpoints by a key. */
export interface BoundSettings {
  /** How many times the mean an endpoint may carry; 0: no limit. */
  balanceFactor: number;
}

/** Why a call may be sent again. */
export type RetryReason =
  /** HTTP/2: the server says that it has not processed the request. */
  | 'refused'
  /** The connection or the stream ended before a response. */
  | 'reset'
  /** The endpoint no longer answers at all. */
  | 'unresponsive';

/** How a server says that it has not looked at an attempt. */
export type Refusal =
  /** It refused this stream. */
  | 'refused'
  /** It said meanwhile that it takes no more requests (GOAWAY). */
  | 'gone-away'
  /** It said meanwhile that it takes fewer streams, but some: it serves others that were sent to it. */
  | 'over-limit';

export const RETRY_REASONS: readonly RetryReason[] = ['refused', 'reset', 'unresponsive'];

export interface RetrySettings {
  attempts: number;
  budget: number;
  minRetriesPerSecond: number;
  reasons: readonly RetryReason[];
}
