// A server of HTTP/2 that misbehaves as it is told.
import {
  constants,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { Attempt, Ledger, Wire } from './ledger.ts';
import { bytesOf, type Reply, type Scenario } from './scenario.ts';

const LAST_POSSIBLE = 2 ** 31 - 1;
/** Bytes that are sent at once. */
const FITS = 16_384;
/** Milliseconds after which a server that goes says what it has looked at; any more than there and back will do. */
const SECOND_STEP = 20;

export class H2Connection {
  readonly #session: ServerHttp2Session;
  readonly #socket: Socket;
  readonly #ledger: Ledger;
  readonly #server: Scenario['server'];
  readonly #wire: Wire;
  #streams = 0;
  /** Streams that have come, by their ids. */
  readonly #waiting = new Map<number, Attempt>();
  /** Those that it has broken off. */
  readonly #cut = new WeakSet<ServerHttp2Stream>();
  /** The highest id of those that have come, and of those that it has looked at. */
  #received = 0;
  #executed = 0;
  #goneAt = LAST_POSSIBLE;
  #gone = false;
  #idle: NodeJS.Timeout | undefined;

  constructor(
    session: ServerHttp2Session,
    socket: Socket,
    pod: number,
    ledger: Ledger,
    server: Scenario['server'],
  ) {
    this.#session = session;
    this.#socket = socket;
    this.#ledger = ledger;
    this.#server = server;
    this.#wire = ledger.connected(pod, socket);
    session.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(this.#idle);
      ledger.closed(this.#wire);
    });
    session.on('stream', (stream, headers, _flags, raw) => {
      this.#onStream(stream, headers, raw as unknown as string[]);
    });
  }

  #onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: string[]): void {
    clearTimeout(this.#idle);
    stream.on('error', () => {});
    const { lowered } = this.#server;
    if (lowered !== undefined && ++this.#streams === lowered[0] && !this.#session.destroyed) {
      this.#session.settings({ maxConcurrentStreams: lowered[1] });
    }
    const pairs: string[] = [];
    for (let n = 0; n < raw.length; n += 2) pairs.push(`${raw[n]}: ${raw[n + 1]}`);
    const method = String(headers[':method']);
    const path = String(headers[':path'] ?? headers[':authority']);
    const got = this.#ledger.received(this.#wire, method, path, pairs.toSorted());
    if (got === undefined) {
      stream.close(constants.NGHTTP2_PROTOCOL_ERROR);
      return;
    }
    const { attempt, reply } = got;
    // It came after the GOAWAY that refuses it.
    if (stream.id! > this.#goneAt) attempt.refused = true;
    this.#received = Math.max(this.#received, stream.id!);
    this.#waiting.set(stream.id!, attempt);
    stream.on('data', (chunk: Buffer) => this.#ledger.body(attempt, chunk));
    stream.on('end', () => {
      // One that was reset ends as well: by its client, or here.
      if (stream.aborted || stream.rstCode !== constants.NGHTTP2_NO_ERROR || this.#cut.has(stream)) return;
      this.#ledger.whole(attempt);
      if (reply.at === 'body') this.#look(stream, attempt, reply);
    });
    stream.on('close', () => {
      this.#waiting.delete(stream.id!);
      this.#wire.open.delete(attempt);
      if (this.#waiting.size === 0) this.#idleLater();
    });
    if (reply.at === 'head') this.#look(stream, attempt, reply);
  }

  #idleLater(): void {
    const { idleTimeout } = this.#server;
    if (idleTimeout === 0) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      if (this.#session.destroyed) return;
      this.#ledger.harmed(this.#wire, 'idle');
      this.#session.close();
    }, idleTimeout);
  }

  #look(stream: ServerHttp2Stream, attempt: Attempt, reply: Reply): void {
    if (reply.delay > 0) setTimeout(() => this.#answer(stream, attempt, reply), reply.delay);
    else this.#answer(stream, attempt, reply);
  }

  #answer(stream: ServerHttp2Stream, attempt: Attempt, reply: Reply): void {
    if (stream.destroyed || attempt.refused || stream.id! > this.#goneAt) return;
    const { break: harm } = reply;
    if (harm?.after === 'nothing' && harm.how === 'code 7') {
      attempt.refused = true;
      this.#harm(stream, attempt, reply);
      return;
    }
    this.#executed = Math.max(this.#executed, stream.id!);
    for (const status of reply.hints) stream.additionalHeaders({ ':status': status, link: '</a>' });
    if (harm?.after === 'nothing') {
      this.#harm(stream, attempt, reply);
      return;
    }
    attempt.answered = 'part';
    const headers: Record<string, string> = {};
    for (const [name, value] of reply.headers) headers[name] = value;
    if (reply.framing === 'length') headers['content-length'] = String(reply.size);
    const bodiless = attempt.method === 'HEAD' || reply.status === 204 || reply.status === 304;
    if (bodiless) delete headers['content-length'];
    if (bodiless && harm?.after !== 'head' && harm?.after !== 'half') {
      stream.respond({ ...headers, ':status': reply.status }, { endStream: true });
      this.#answered(stream, attempt, reply);
      return;
    }
    stream.respond({ ...headers, ':status': reply.status }, { waitForTrailers: reply.trailers });
    if (reply.trailers) stream.on('wantTrailers', () => stream.sendTrailers({ 'x-trailer': 't' }));
    if (harm?.after === 'head') {
      this.#harm(stream, attempt, reply);
      return;
    }
    const body = bytesOf(attempt.call, reply.size);
    if (harm?.after === 'half') {
      // Node 24 sends empty frames for ever when an empty piece is written.
      if (body.length > 1) stream.write(body.subarray(0, body.length >> 1));
      this.#harm(stream, attempt, reply);
      return;
    }
    this.#write(stream, attempt, reply, body);
  }

  #write(stream: ServerHttp2Stream, attempt: Attempt, reply: Reply, body: Buffer): void {
    const step = Math.max(1, Math.ceil(body.length / reply.pieces));
    let at = 0;
    const next = () => {
      if (stream.destroyed) return;
      const part = body.subarray(at, at + step);
      at += step;
      if (at < body.length) {
        stream.write(part);
        setImmediate(next);
        return;
      }
      if (part.length > 0) stream.end(part);
      else stream.end();
      this.#answered(stream, attempt, reply);
    };
    next();
  }

  #answered(stream: ServerHttp2Stream, attempt: Attempt, reply: Reply): void {
    // So much always fits into a client's window. What the request has left to send may come yet, or not.
    if (reply.size <= FITS) attempt.ended = true;
    // What is longer has been sent then, though the request may have more to send for long: seed 940000031.
    else stream.once('finish', () => (attempt.ended = true));
    // Node sends it when flow control lets it: it is only answered when the stream has closed in order.
    const { break: harm } = reply;
    const done = () => {
      if (stream.rstCode === constants.NGHTTP2_NO_ERROR) this.#ledger.answered(attempt);
    };
    if (stream.writableFinished) done();
    else stream.once('close', done);
    // A stream can be broken after its end only with its session.
    if (harm !== undefined && !harm.how.startsWith('code')) this.#harm(stream, attempt, reply);
  }

  #harm(stream: ServerHttp2Stream, attempt: Attempt, { break: harm }: Reply): void {
    const { how, later, after } = harm!;
    const goes = how.startsWith('goaway');
    // Whatever it has begun, it says so.
    if (how === 'code 7') attempt.refused = true;
    if (!goes && after !== 'full') this.#ledger.broke(attempt, how);
    const act = () => {
      if (goes) this.#goAway(stream, attempt, how, after);
      else if (how.startsWith('code')) this.#cutOff(stream, Number(how.slice(5)));
      else this.#breakOff(how);
    };
    if (later === undefined) act();
    else setTimeout(act, later);
  }

  #cutOff(stream: ServerHttp2Stream, code: number): void {
    this.#cut.add(stream);
    stream.close(code);
  }

  #breakOff(how: string): void {
    this.#ledger.harmed(this.#wire, how);
    if (how === 'reset') this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  /** Says that it goes, and answers what it has looked at. */
  #goAway(stream: ServerHttp2Stream, attempt: Attempt, how: string, after: string): void {
    if (this.#session.destroyed) return;
    // Once: Node's server can't say it again without harm to itself.
    if (!this.#gone) {
      this.#gone = true;
      this.#wire.harmedAt ??= performance.now();
      this.#wire.harm ||= how;
      if (how === 'goaway') this.#announce();
      else this.#refuseBeyond(Math.max(this.#executed, stream.id!));
    }
    if (after === 'full' || stream.destroyed) return;
    // The one that it said this on is answered all the same.
    if (!stream.headersSent) {
      stream.respond({ ':status': 200 });
      attempt.answered = 'part';
    }
    stream.end('gone');
    stream.once('close', () => {
      if (stream.rstCode === constants.NGHTTP2_NO_ERROR) this.#ledger.answered(attempt);
    });
  }

  /**
   * In two steps, as https://www.rfc-editor.org/rfc/rfc9113#section-6.8 has it: what is on its way is looked at. The
   * first is written past Node, whose own looks at no stream that comes after any GOAWAY, whatever that has named:
   * https://github.com/nghttp2/nghttp2/blob/master/lib/nghttp2_session.c (session_allow_incoming_new_stream). Not over
   * TLS, which takes one write at a time: what is on its way is refused there.
   */
  #announce(): void {
    if (this.#session.encrypted) {
      this.#refuseBeyond(this.#received);
      return;
    }
    const frame = Buffer.alloc(17);
    frame.writeUIntBE(8, 0, 3);
    frame.writeUInt8(7, 3);
    frame.writeUInt32BE(LAST_POSSIBLE, 9);
    this.#socket.write(frame);
    setTimeout(() => this.#refuseBeyond(this.#received), SECOND_STEP);
  }

  /** Looks at no stream beyond one. */
  #refuseBeyond(last: number): void {
    if (this.#session.destroyed) return;
    this.#goneAt = last;
    for (const [id, waiting] of this.#waiting) {
      if (id <= last || waiting.answered !== 'no') continue;
      waiting.refused = true;
      this.#wire.open.delete(waiting);
    }
    // Node takes 0 for the last that it has seen.
    this.#session.goaway(constants.NGHTTP2_NO_ERROR, last);
  }
}
