import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Http2Session, ServerHttp2Stream } from 'node:http2';
import { queueMicrotask } from '../core/base/clock.ts';
import { nameHttp2Responses } from './http2-response.ts';
import { isNear } from './peers.ts';

const CREATED = 'http2.server.stream.created';

/** The stream whose response names this process, by its session; `null` once that is done, or where nothing is named. */
type Bearers = WeakMap<Http2Session, ServerHttp2Stream | null>;

/** Has the first response of each session that is identified name this process. */
export function nameHttp2Sessions(isIdentified: (session: Http2Session) => boolean): void {
  const bearers: Bearers = new WeakMap();
  let isAsked = false;
  // The first stream of all shows what all of them have in common. To look at each one cost a server a tenth of its CPU time, and more.
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
    // Not at once: Node.js 22 and 24 would then pass over another subscriber.
    queueMicrotask(() => unsubscribe(CREATED, onCreated));
  });
}

/** Whether a stream is the first of its session to be answered: several may wait for their responses. */
function bears(
  stream: ServerHttp2Stream,
  session: Http2Session,
  bearer: ServerHttp2Stream | undefined,
  bearers: Bearers,
): boolean {
  // What a server pushes isn't looked at by clients that balance.
  if (isPushed(stream)) return false;
  const isDone = bearer === undefined ? !isNear(session.socket?.remoteAddress) : bearer.headersSent;
  if (isDone) {
    bearers.set(session, null);
    return false;
  }
  // A response can fail before its head is sent, such as that of a file that isn't there: then another response follows, of this
  // stream or of another one.
  if (bearer !== undefined && bearer !== stream && !bearer.destroyed) return false;
  bearers.set(session, stream);
  return true;
}

/** A server gives even numbers to the streams that it begins itself. */
function isPushed({ id = 0 }: ServerHttp2Stream): boolean {
  return id % 2 === 0;
}
