import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { type Client, errors } from 'undici';
import type { Refusal } from '../../core/calls/settings.ts';
import { REFUSED_STREAM } from './failures.ts';
import type { Request } from './request.ts';
import { isOfSession } from './undici.ts';
import { UnopenedStream } from './unopened-stream.ts';

/** As https://www.rfc-editor.org/rfc/rfc9113 numbers them. */
const HEADERS_FRAME = 1;

const kRequest = Symbol('request');
const kPlace = Symbol('place');

/** `kPlace`: how many there were with it when it was opened, itself included. */
type Stream = ClientHttp2Stream & { [kRequest]?: Request | undefined; [kPlace]?: number };

/**
 * What an HTTP/2 connection carries, and what its peer has looked at of that. A stream that the peer
 * refuses, or that is never opened, carries a request that may go elsewhere, whatever its method. undici
 * would keep it for the same connection, for as long as that has no room, or others that it carries last.
 */
export class Http2Streams {
  /** The peer has said that it takes no more streams. What it has accepted goes on. */
  goneAway = false;
  /** The Client gives back what the peer has not looked at. */
  givesBack = false;
  /** The Client has written a request, or begun to. */
  hasStarted = false;
  readonly #requests = new Set<Request>();
  /** Event streams. */
  readonly #lasting = new Set<Request>();
  /** The one for which the Client is about to open a stream. */
  #starting: Request | undefined;

  add(request: Request): void {
    this.#requests.add(request);
  }

  has(request: Request): boolean {
    return this.#requests.has(request);
  }

  /** All of them, but for upgraded ones. */
  get all(): Iterable<Request> {
    return [...this.#requests, ...this.#lasting];
  }

  /** It is an event stream, or an upgraded one, from now on. */
  last(request: Request): void {
    this.#requests.delete(request);
    if (!request.upgrades) this.#lasting.add(request);
  }

  delete(request: Request): void {
    this.#requests.delete(request);
    this.#lasting.delete(request);
  }

  /** The Client is about to open a stream for it. */
  onStart(request: Request): void {
    this.hasStarted = true;
    this.#starting = request;
  }

  /** Learns of each stream that the Client opens, before undici does. */
  observe(session: ClientHttp2Session): void {
    const open = session.request;
    const streams = this;
    function onError(this: Stream, error: Error): void {
      if (this.rstCode !== REFUSED_STREAM) return;
      // As undici does.
      const refused = Object.assign(error, { http2ErrorCode: REFUSED_STREAM });
      streams.#take(this)?.refuse(refused, refusalOf(this, session));
    }
    function onFrameError(this: Stream, type: number, code: number): void {
      if (type === HEADERS_FRAME && streams.goneAway) refuseUnsent(this, streams.#take(this), code);
    }
    session.request = (headers, options) => {
      const request = this.#starting;
      this.#starting = undefined;
      try {
        const stream = open.call(session, headers, options) as Stream;
        if (request === undefined) return stream;
        stream[kRequest] = request;
        stream[kPlace] = this.#requests.size + this.#lasting.size;
        return stream.on('error', onError).on('frameError', onFrameError);
      } catch (error) {
        if (request === undefined || isOfSession(error as NodeJS.ErrnoException)) throw error;
        // Node refuses such headers. undici would end the session for that, with all that it carries.
        request.failUnopened(error as Error);
        return new UnopenedStream() as unknown as ClientHttp2Stream;
      }
    };
  }

  /** The request of a stream, unless it has gone elsewhere, or ended: a stream may outlive that. */
  #take(stream: Stream): Request | undefined {
    const request = stream[kRequest];
    stream[kRequest] = undefined;
    return request !== undefined && this.#requests.has(request) ? request : undefined;
  }

  /**
   * The peer takes no more streams. The Client has let go of the session, which ends what was accepted, and
   * keeps what was refused, or never sent. Destroying the Client gives that back, and nothing else.
   */
  goAway(client: Client, error: Error): void {
    this.goneAway = true;
    this.givesBack = true;
    client.destroy(error, noop);
    this.givesBack = false;
  }

  /** Ends the requests with an error. */
  cut(error: Error): void {
    for (const request of [...this.#requests]) request.cut(error);
  }

  /** Ends the event streams, too. */
  cutAll(error: Error): void {
    this.cut(error);
    for (const request of [...this.#lasting]) request.cut(error);
  }
}

/**
 * Whether the peer refuses one for having said, meanwhile, that it takes fewer, or none. One that had room even so is
 * refused for itself, and would be again. Those before it may have ended by now.
 */
function refusalOf(stream: Stream, { remoteSettings }: ClientHttp2Session): Refusal {
  const limit = remoteSettings?.maxConcurrentStreams ?? Number.POSITIVE_INFINITY;
  if (stream[kPlace]! <= limit) return 'refused';
  return limit > 0 ? 'over-limit' : 'gone-away';
}

/**
 * A stream that was opened while a GOAWAY was on its way is not sent. Node says so while it writes, when a
 * stream that is closed corrupts what is written; it closes the stream itself in a moment.
 */
function refuseUnsent(stream: Stream, request: Request | undefined, code: number): void {
  stream.close = noop;
  stream.destroy = () => stream;
  request?.refuse(
    new errors.InformationalError(`HTTP/2: "frameError" received - type ${HEADERS_FRAME}, code ${code}`),
    'gone-away',
  );
  Reflect.deleteProperty(stream, 'close');
  Reflect.deleteProperty(stream, 'destroy');
}

function noop(): void {}
