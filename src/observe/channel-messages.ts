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
  /** Where the pods came from: `dns`, `endpointslices` … */
  readonly source: string;
  readonly endpoints: readonly EndpointAddress[];
}

/** evenkeel could learn nothing newer about the pods of an origin. */
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

/** A pod gets no requests for a while. */
export interface EndpointEjectMessage extends EndpointAddMessage {
  readonly reason: EjectReason;
  /** In milliseconds; `Infinity`: until it passes its health checks. */
  readonly duration: number;
}

/** An ejected pod gets requests again. */
export interface EndpointRestoreMessage extends EndpointAddMessage {
  readonly reason: RestoreReason;
  /** For how many milliseconds it was ejected. */
  readonly duration: number;
}

/** A connection is open, takes no more requests, or has closed. */
export interface ConnectionMessage extends EndpointAddMessage {
  /** Why it takes no more requests; `undefined` while it does. */
  readonly reason: RetireReason | undefined;
  /** How many requests it has carried. */
  readonly requests: number;
  /** How old it is, in milliseconds. */
  readonly age: number;
  readonly protocol: 'h1' | 'h2';
}

interface RequestMessage extends EndpointAddMessage {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
}

/** evenkeel has given a request to a pod. */
export interface RequestStartMessage extends RequestMessage {
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** For how many milliseconds the request waited for a connection. */
  readonly waited: number;
}

/** A request has failed at a pod, and will be sent again. */
export interface RequestRetryMessage extends RequestMessage {
  readonly reason: RetryReason;
  readonly attempt: number;
  readonly error: Error;
}

/** An attempt of a request has ended. */
export interface RequestEndMessage extends RequestMessage {
  /** How long the attempt took, in milliseconds. */
  readonly duration: number;
  /** The status of the response; 0 if there was none. */
  readonly statusCode: number;
  readonly outcome: Outcome;
  readonly protocol: 'h1' | 'h2';
}
