import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Http2Session, ServerHttp2Stream } from 'node:http2';
import { queueMicrotask } from '../core/base/clock.ts';
import { nameHttp2Responses } from './http2-response.ts';
import { isNear } from './peers.ts';

const CREATED = 'http2.server.stream.created';

/** The stream whose response names this process, by its session; `null` if that is done, or if nothing should be named. */
type Bearers = WeakMap<Http2Session, ServerHttp2Stream | null>;

/** Makes the first response of each identified session name this process. */
export function nameHttp2Sessions(isIdentified: (session: Http2Session) => boolean): void {
  const bearers: Bearers = new WeakMap();
  let isAsked = false;
  // The first stream of all gives access to the methods that all streams inherit. To look at each stream would cost a
  // server a tenth of its CPU time or more.
  subscribe(CREATED, function onCreated(message) {
    if (isAsked) return;
    isAsked = true;
    nameHttp2Responses((message as { stream: ServerHttp2Stream }).stream, (stream) => {
      const { session } = stream;
      if (session === undefined) return false;
      const bearer = bearers.get(session);
      if (bearer === null || !isIdentified(session)) return false;
      return bears(stream, session, bearer, bearers);
    });
    // Not at once, because Node.js 22 and 24 would then skip another subscriber.
    queueMicrotask(() => unsubscribe(CREATED, onCreated));
  });
}

/** Whether a stream is the first of its session to be answered. Several streams may wait for their responses. */
function bears(
  stream: ServerHttp2Stream,
  session: Http2Session,
  bearer: ServerHttp2Stream | undefined,
  bearers: Bearers,
): boolean {
  // Clients that balance don't look at pushed responses.
  if (isPushed(stream)) return false;
  const isDone = bearer === undefined ? !isNear(session.socket?.remoteAddress) : bearer.headersSent;
  if (isDone) {
    bearers.set(session, null);
    return false;
  }
  // A response can fail before its head is sent, for example if a file doesn't exist. Then another response follows, on
  // this stream or another one.
  if (bearer !== undefined && bearer !== stream && !bearer.destroyed) return false;
  bearers.set(session, stream);
  return true;
}

/** A stream that a server begins has an even number. */
function isPushed({ id = 0 }: ServerHttp2Stream): boolean {
  return id % 2 === 0;
}
