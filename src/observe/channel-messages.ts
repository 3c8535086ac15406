import type { RetryReason } from '../core/calls/settings.ts';
import type { RetireReason } from '../core/connections/retire-reason.ts';
import type { EndpointAddress } from '../core/discovery/resolver.ts';
import type { Outcome } from '../core/health/outcome.ts';
import type { EjectReason, RestoreReason } from '../core/health/settings.ts';
import type { ObserveReport } from './report.ts';

/** The message of each diagnostics channel, by the name of the channel. */
export interface ChannelMessages {
  'evenkeel:discovery:update': DiscoveryUpdateMessage;
  'evenkeel:discovery:error': DiscoveryErrorMessage;
  'evenkeel:endpoint:add': EndpointAddMessage;
  'evenkeel:endpoint:remove': EndpointRemoveMessage;
  'evenkeel:endpoint:eject': EndpointEjectMessage;
  'evenkeel:endpoint:restore': EndpointRestoreMessage;
  'evenkeel:connection:open': ConnectionMessage;
  'evenkeel:connection:retire': ConnectionMessage;
  'evenkeel:connection:close': ConnectionMessage;
  'evenkeel:request:start': RequestStartMessage;
  'evenkeel:request:retry': RequestRetryMessage;
  'evenkeel:request:end': RequestEndMessage;
  'evenkeel:observe:report': ObserveReport;
}

/** The pods of an origin are known, or have changed. */
export interface DiscoveryUpdateMessage {
  readonly origin: string;
  /** Who named them: `dns`, `endpointslices` … */
  readonly source: string;
  readonly endpoints: readonly EndpointAddress[];
}

/** Nothing newer could be learned of the pods of an origin. */
export interface DiscoveryErrorMessage {
  readonly origin: string;
  readonly error: Error;
}

/** A pod is new. */
export interface EndpointAddMessage {
  readonly origin: string;
  /** `ip:port`. */
  readonly address: string;
}

/** A pod has left. */
export interface EndpointRemoveMessage extends EndpointAddMessage {
  readonly reason: RetireReason;
}

/** A pod gets no more requests for a time. */
export interface EndpointEjectMessage extends EndpointAddMessage {
  readonly reason: EjectReason;
  /** Milliseconds; `Infinity` until it passes its health check. */
  readonly duration: number;
}

/** A pod that was ejected gets requests again. */
export interface EndpointRestoreMessage extends EndpointAddMessage {
  readonly reason: RestoreReason;
  /** Milliseconds for which it was ejected. */
  readonly duration: number;
}

/** A connection is open, takes no more requests, or is closed. */
export interface ConnectionMessage extends EndpointAddMessage {
  /** Why it takes no more requests; `undefined` while it does. */
  readonly reason: RetireReason | undefined;
  /** How many it has carried. */
  readonly requests: number;
  /** Milliseconds. */
  readonly age: number;
  readonly protocol: 'h1' | 'h2';
}

interface RequestMessage extends EndpointAddMessage {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
}

/** A request is given to a pod. */
export interface RequestStartMessage extends RequestMessage {
  /** 1 for the first. */
  readonly attempt: number;
  /** Milliseconds that it has waited for a connection. */
  readonly waited: number;
}

/** A request that failed at a pod is to be sent again. */
export interface RequestRetryMessage extends RequestMessage {
  readonly reason: RetryReason;
  readonly attempt: number;
  readonly error: Error;
}

/** A request has ended at a pod. */
export interface RequestEndMessage extends RequestMessage {
  /** Milliseconds. */
  readonly duration: number;
  /** 0 where there was none. */
  readonly statusCode: number;
  readonly outcome: Outcome;
  readonly protocol: 'h1' | 'h2';
}
