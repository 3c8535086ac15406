import http, { type Agent, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import { pipeline, Readable } from 'node:stream';
import { Caller, failing, headerValue, partsOf, wordsOf } from './caller.ts';
import { bytesOf, type Call } from './scenario.ts';
import { wrote } from './writes.ts';

export interface HttpContext {
  readonly agent: Agent;
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** The same for all calls of a worker that reuse their objects. */
  readonly options: RequestOptions;
  readonly headers: Record<string, unknown>;
}

/** What a request is thought to have failed with that said nothing, and had no whole response. */
export const CLOSED_EARLY = 'closed early';

/** A call by node:http. It has ended when its request and its response have closed. */
export class HttpCaller extends Caller {
  readonly #context: HttpContext;
  #options: RequestOptions = {};
  #response: IncomingMessage | undefined;
  #error: Error | undefined;
  #closed = false;
  /** A socket of its caller's own. */
  #echoed: Promise<void> | undefined;

  constructor(call: Call, context: HttpContext) {
    super(call);
    this.#context = context;
  }

  protected send(): void {
    this.#options = this.#made();
    const send = this.#context.secure ? https.request : http.request;
    const request = send(this.#options);
    this.#listen(request);
    this.#write(request);
  }

  protected change(): void {
    const options = this.#options;
    const { headers } = this.#context;
    for (const name of Object.keys(headers)) headers[name] = 'changed';
    headers['x-added'] = 'later';
    if (Array.isArray(options.headers)) options.headers.fill('changed');
    Object.assign(options, {
      path: '/changed',
      method: 'DELETE',
      host: 'changed.fuzz',
      port: 1,
      agent: false,
    });
  }

  // What is given

  #made(): RequestOptions {
    const { call } = this;
    const { agent, host, port } = this.#context;
    const options = call.reuse ? this.#context.options : {};
    for (const name of Object.keys(options)) delete options[name as keyof RequestOptions];
    const query = Object.entries(call.query ?? {}).map((pair) => pair.map(encodeURIComponent).join('='));
    Object.assign(options, {
      agent,
      host,
      port,
      method: call.method,
      path:
        call.api === 'connect'
          ? `c${call.id}.fuzz:1`
          : `/c${call.id}${query.length > 0 ? `?${query.join('&')}` : ''}`,
      headers: this.#headers(),
    });
    if (call.act?.do === 'abort' && call.api === 'signalled') {
      this.signal = new AbortController();
      options.signal = this.signal.signal;
    }
    return Object.assign(options, structuredClone(call.more));
  }

  #headers(): Record<string, unknown> | unknown[] {
    const { form, pairs } = this.call.headers;
    const upgrade =
      this.call.api === 'upgrade'
        ? [
            ['connection', 'upgrade'],
            ['upgrade', 'echo'],
          ]
        : [];
    const given = pairs
      .map(([name, value]) => [name, headerValue(value)] as const)
      .filter(([, value]) => value !== undefined && value !== null);
    const all = [...given, ...upgrade];
    if (form === 'array') return ['host', 'pods.fuzz', ...all.flat()];
    const headers = this.call.reuse ? this.#context.headers : {};
    for (const name of Object.keys(headers)) delete headers[name];
    return Object.assign(headers, Object.fromEntries(all));
  }

  #write(request: ClientRequest): void {
    const { id, body } = this.call;
    const bytes = bytesOf(id, body.size);
    const parts = partsOf(this.call);
    switch (body.kind) {
      case 'none':
        request.end();
        return;
      case 'string':
      case 'form':
        request.end(bytes.toString('latin1'));
        return;
      case 'buffer':
        for (const part of parts) request.write(part);
        request.end();
        return;
      case 'iterable':
        setImmediate(() => {
          for (const part of parts) request.write(part);
          request.end();
        });
        return;
      case 'iterator':
        request.flushHeaders();
        pipeline(Readable.from(parts), request, () => {});
        return;
      case 'stream':
        pipeline(Readable.from(parts), request, () => {});
        return;
      case 'failing stream':
        pipeline(failing(), request, () => {});
    }
  }

  // What is told

  #listen(request: ClientRequest): void {
    const { moments } = this.outcome;
    this.abort = (reason) => {
      if (this.signal !== undefined) this.signal.abort(reason);
      else if (reason === undefined) request.abort();
      // Without an error, a request says of itself that its socket hung up.
      else request.destroy(reason instanceof Error ? reason : new Error(wordsOf(this.call.id)));
    };
    request.on('socket', (socket) => {
      // One that stands for its connection isn't what its request has then.
      const onConnected = () => wrote(this.call.id, request.socket!);
      if (socket.connecting) socket.once(this.#context.secure ? 'secureConnect' : 'connect', onConnected);
      else onConnected();
      this.moment('start');
    });
    request.on('information', ({ statusCode, headers }) => {
      moments.push('hint');
      this.onHead(statusCode, headers);
    });
    request.on('response', (response) => this.#onResponse(response));
    for (const event of ['upgrade', 'connect']) {
      request.on(event, (_response, socket) => {
        this.#echoed = this.echo(socket);
      });
    }
    request.on('timeout', () => {
      // Callers destroy it then.
      if (request.socket === null) this.fail(new Error('no socket when its time ran out'));
    });
    request.on('error', (error) => {
      this.#error ??= error;
    });
    request.on('close', () => {
      // One too many is one end too many.
      if (this.#closed) this.fail(new Error('closed again'));
      this.#closed = true;
      this.#onProgress();
    });
  }

  #onResponse(response: IncomingMessage): void {
    this.outcome.moments.push('headers');
    this.#response = response;
    this.onHead(response.statusCode!, response.headers);
    response.on('data', (chunk) => {
      if (this.outcome.moments.at(-1) !== 'data') this.outcome.moments.push('data');
      this.onData(chunk);
      this.moment('data', response);
    });
    response.on('error', (error) => {
      this.#error ??= error;
    });
    response.once('close', () => this.#onProgress());
    this.moment('headers', response);
  }

  #onProgress(): void {
    if (this.#closed && this.#response?.closed !== false && this.outcome.settled === 0) this.#conclude();
  }

  #conclude(): void {
    const response = this.#response;
    if (this.#echoed !== undefined) {
      this.#echoed.then(
        () => this.end(),
        (error) => this.fail(error),
      );
    } else if (this.#error === undefined && response?.complete && response.readableEnded) {
      this.onTrailers(response.trailers);
      this.end();
    } else this.fail(this.#error ?? new Error(CLOSED_EARLY));
  }
}
