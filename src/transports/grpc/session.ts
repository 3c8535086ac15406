import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { type CallListener, type Metadata, STATES, type Subchannel, type SubchannelCall } from './grpc-js.ts';

/** As far as it can be relied on to be there. */
export type GrpcSession = Partial<Pick<ClientHttp2Session, 'closed' | 'destroyed' | 'remoteSettings'>>;

/** What is said of an UNAVAILABLE call whose stream the server has not begun to look at. */
const REFUSED = [
  'Stream refused by server',
  // In Node 26, now and then. Not all versions send such a call again.
  'Write error: Stream closed with error code NGHTTP2_REFUSED_STREAM',
];

/** HTTP/2's code for a stream that the server has not begun to look at. */
const REFUSED_STREAM = 7;

/** What is private in a call on a connection, of all versions that are known. */
interface InsideCall {
  readonly http2Stream?: Pick<ClientHttp2Stream, 'rstCode'>;
}

/** What is private in a subchannel, of all versions that are known. */
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

/** What a call is started with. */
export interface CallStart {
  readonly metadata: Metadata;
  readonly host: string;
  readonly method: string;
  /** Since 1.14. */
  readonly callId: number | undefined;
}

/** Whether a subchannel takes calls. Its session may be closing though it is READY: it is told of a GOAWAY a moment later. */
export function isConnected(subchannel: Subchannel): boolean {
  if (subchannel.getConnectivityState() !== STATES.READY) return false;
  return isOpen(sessionOf(subchannel));
}

/** Whether a connection takes calls; one that can't be found is taken to do so. */
export function isOpen(session: GrpcSession | undefined): boolean {
  return session?.closed !== true && session?.destroyed !== true;
}

/** Whether a connection takes no more calls, and goes on with those that it carries: by a GOAWAY. One that is lost doesn't. */
export function isEnding(session: GrpcSession | undefined): boolean {
  return session?.closed === true && session.destroyed !== true;
}

/** Whether the details of an UNAVAILABLE call say so. */
export function isRefusal(details: string): boolean {
  return REFUSED.includes(details);
}

/** Whether the server has refused the stream of a call by the code of HTTP/2. Words can be those of a call that it has served. */
export function isStreamRefused(call: object): boolean {
  return (call as InsideCall).http2Stream?.rstCode === REFUSED_STREAM;
}

/** How many streams the server takes on a connection at a time; `undefined` if that can't be known. */
export function streamLimitOf(subchannel: Subchannel): number | undefined {
  return sessionOf(subchannel)?.remoteSettings?.maxConcurrentStreams;
}

/** Whether calls can be started by hand. */
export function startsCalls(subchannel: Subchannel): boolean {
  return typeof (subchannel.getRealSubchannel() as Inside).createCall === 'function';
}

/** Starts a call, as grpc-js does with what was picked for it. */
export function startCall(
  subchannel: Subchannel,
  { metadata, host, method, callId }: CallStart,
  listener: CallListener,
): SubchannelCall {
  return (subchannel.getRealSubchannel() as Inside).createCall!(metadata, host, method, listener, callId);
}

/** The connection itself, which is private there; `undefined`: there is none, or it can't be found. */
export function sessionOf(subchannel: Subchannel): GrpcSession | undefined {
  const { transport } = subchannel.getRealSubchannel() as Inside;
  return transport?.session;
}
