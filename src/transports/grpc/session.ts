import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { REFUSED_STREAM } from '../common/http2-codes.ts';
import { type CallListener, type Metadata, STATES, type Subchannel, type SubchannelCall } from './grpc-js.ts';

/** The parts of a session that are probably there. */
export type GrpcSession = Partial<Pick<ClientHttp2Session, 'closed' | 'destroyed' | 'remoteSettings'>>;

/** The details of an UNAVAILABLE call whose stream the server has not processed. */
const REFUSED = [
  'Stream refused by server',
  // In Node 26, sometimes. Not all versions of grpc-js send such a call again.
  'Write error: Stream closed with error code NGHTTP2_REFUSED_STREAM',
];

/** What is private in a call on a connection, in all known versions. */
interface InsideCall {
  readonly http2Stream?: Pick<ClientHttp2Stream, 'rstCode'>;
}

/** What is private in a subchannel, in all known versions. */
interface Inside {
  readonly transport?: { readonly session?: GrpcSession } | null;
  createCall?(
    metadata: Metadata,
    host: string,
    method: string,
    listener: CallListener,
    callId: number | undefined,
  ): SubchannelCall;
}

/** What is needed to start a call. */
export interface CallStart {
  readonly metadata: Metadata;
  readonly host: string;
  readonly method: string;
  /** Since 1.14. */
  readonly callId: number | undefined;
}

/**
 * Whether a subchannel takes calls. Its session may be closing while it is READY, because it hears of a GOAWAY a moment
 * later.
 */
export function isConnected(subchannel: Subchannel): boolean {
  if (subchannel.getConnectivityState() !== STATES.READY) return false;
  return isOpen(sessionOf(subchannel));
}

/** Whether a connection takes calls. If it can't be found, it counts as open. */
export function isOpen(session: GrpcSession | undefined): boolean {
  return session?.closed !== true && session?.destroyed !== true;
}

/** Whether a connection takes no more calls after a GOAWAY, and finishes those that it carries. A lost one doesn't. */
export function isEnding(session: GrpcSession | undefined): boolean {
  return session?.closed === true && session.destroyed !== true;
}

/** Whether these details of an UNAVAILABLE call say that the server has not processed it. */
export function isRefusal(details: string): boolean {
  return REFUSED.includes(details);
}

/**
 * Whether the HTTP/2 code of a call's stream says that the server refused it. (A server may write the same words into
 * the status of a call that it has executed.)
 */
export function isStreamRefused(call: object): boolean {
  return (call as InsideCall).http2Stream?.rstCode === REFUSED_STREAM;
}

/** How many streams the server takes on a connection at a time; `undefined` if that isn't known. */
export function streamLimitOf(subchannel: Subchannel): number | undefined {
  return sessionOf(subchannel)?.remoteSettings?.maxConcurrentStreams;
}

/** Whether evenkeel can start calls itself. */
export function startsCalls(subchannel: Subchannel): boolean {
  return typeof (subchannel.getRealSubchannel() as Inside).createCall === 'function';
}

/** Starts a call, as grpc-js does after a pick. */
export function startCall(
  subchannel: Subchannel,
  { metadata, host, method, callId }: CallStart,
  listener: CallListener,
): SubchannelCall {
  return (subchannel.getRealSubchannel() as Inside).createCall!(metadata, host, method, listener, callId);
}

/** The HTTP/2 session of a subchannel, which is private; `undefined` if there is none, or if it can't be found. */
export function sessionOf(subchannel: Subchannel): GrpcSession | undefined {
  const { transport } = subchannel.getRealSubchannel() as Inside;
  return transport?.session;
}
