import { Readable, Writable } from 'node:stream';
import { type Dispatcher, Dispatcher1Wrapper, FormData, fetch as undiciFetch } from 'undici';
import { Caller, type Controller, failing, headerValue, partsOf } from './caller.ts';
import { bytesOf, type Call } from './scenario.ts';

type Options = Dispatcher.DispatchOptions & Record<string, unknown>;

export interface CallerContext {
  readonly dispatcher: Dispatcher;
  readonly origin: string;
  /** The same for all calls of a worker that reuse their objects. */
  readonly options: Options;
  readonly headers: Record<string, unknown>;
}

/** A call by one of undici's APIs. */
export class UndiciCaller extends Caller {
  readonly #context: CallerContext;
  #options: Options | undefined;

  constructor(call: Call, context: CallerContext) {
    super(call);
    this.#context = context;
  }

  protected send(): void {
    this.#options = this.#made();
    this.#dispatch(this.#options);
  }

  protected change(): void {
    const options = this.#options!;
    const { headers } = this.#context;
    for (const name of Object.keys(headers)) headers[name] = 'changed';
    headers['x-added'] = 'later';
    if (Array.isArray(options.headers)) options.headers.fill('changed');
    if (options.headers instanceof Map) options.headers.clear();
    if (typeof options.query === 'object') (options.query as Record<string, string>).a = 'changed';
    options.path = '/changed';
    options.method = 'DELETE';
    options.query = { changed: 'yes' };
    delete (options as { body?: unknown }).body;
  }

  #dispatch(options: Options): void {
    const { dispatcher } = this.#context;
    switch (this.call.api) {
      case 'new':
        this.outcome.more = dispatcher.dispatch(options, this.#handler());
        return;
      case 'old': {
        // What an Agent of this generation is given for an older caller.
        const takesOld = 'stats' in dispatcher && dispatcher.constructor.name === 'BalancedAgent';
        const old = takesOld ? dispatcher : new Dispatcher1Wrapper(dispatcher);
        this.outcome.more = old.dispatch(options, this.#oldHandler() as never);
        return;
      }
      case 'request':
        this.#settle(dispatcher.request(options as never).then((response) => this.#read(response)));
        return;
      case 'stream':
        this.#settle(
          dispatcher
            .stream(options as never, ({ statusCode, headers }) => {
              this.onHead(statusCode, headers);
              return this.#sink();
            })
            .then(({ trailers }) => this.onTrailers(trailers)),
        );
        return;
      case 'pipeline':
        this.#settle(this.#pipe(options));
        return;
      case 'fetch':
        this.#settle(this.#fetch(options));
        return;
      case 'upgrade':
        this.#settle(
          (
            dispatcher.upgrade({ ...options, protocol: 'echo' } as never) as Promise<Dispatcher.UpgradeData>
          ).then((data) => this.echo(data.socket as never)),
        );
        return;
      case 'connect':
        this.#settle(dispatcher.connect(options as never).then((data) => this.echo(data.socket as never)));
    }
  }

  // What is given

  #made(): Options {
    const { call } = this;
    const { api, reuse, act } = call;
    const options: Options = reuse ? this.#context.options : ({} as Options);
    for (const name of Object.keys(options)) delete options[name];
    Object.assign(options, {
      origin: this.#context.origin,
      path: api === 'connect' ? `c${call.id}.fuzz:1` : `/c${call.id}`,
      method: call.method,
      headers: this.#headers(),
      ...(call.query && { query: { ...call.query } }),
    });
    if (api !== 'pipeline') options.body = this.#bodyFor() as never;
    if (options.body === undefined) delete options.body;
    if (call.api === 'upgrade' || call.api === 'connect') delete (options as { method?: unknown }).method;
    const signalled = api === 'request' || api === 'stream' || api === 'pipeline' || api === 'fetch';
    if (signalled && act?.do === 'abort') {
      this.signal = new AbortController();
      options.signal = this.signal.signal;
      this.abort = (reason) => this.signal!.abort(reason);
    }
    return Object.assign(options, call.more);
  }

  #headers(): unknown {
    const { form, pairs } = this.call.headers;
    const all = pairs.map(([name, value]) => [name, headerValue(value)] as const);
    const kept = all.filter(([, value]) => value !== undefined && value !== null);
    switch (form) {
      case 'object': {
        const object = this.call.reuse ? this.#context.headers : {};
        for (const name of Object.keys(object)) delete object[name];
        return Object.assign(object, Object.fromEntries(all));
      }
      case 'array':
        return kept.flat();
      case 'map':
        return new Map(kept as [string, string][]);
      case 'entries':
        return new Map(kept as [string, string][]).entries();
      case 'generator':
        return (function* () {
          yield* kept;
        })();
      case 'headers':
        return new Headers(kept.map(([name, value]) => [name, String(value)] as [string, string]));
    }
  }

  #bodyFor(): unknown {
    const { id, body } = this.call;
    const bytes = bytesOf(id, body.size);
    const parts = () => partsOf(this.call);
    switch (body.kind) {
      case 'none':
        return undefined;
      case 'string':
        return bytes.toString('latin1');
      case 'buffer':
        return bytes;
      case 'stream':
        return Readable.from(parts());
      case 'iterable':
        return parts();
      case 'iterator':
        return (async function* () {
          yield* parts();
        })();
      case 'form': {
        const form = new FormData();
        form.set('a', bytes.toString('latin1'));
        return form;
      }
      case 'failing stream':
        return failing();
    }
  }

  // What is told

  #settle(promise: Promise<unknown>): void {
    promise.then(
      () => this.end(),
      (error) => this.fail(error),
    );
  }

  #handler(): Dispatcher.DispatchHandler {
    const { moments } = this.outcome;
    return {
      onRequestStart: (controller) => {
        moments.push('start');
        this.abort = (reason) => controller.abort(reason as Error);
        this.moment('start', controller);
      },
      onRequestSent: () => this.moment('sent'),
      onResponseStart: (controller, status, headers) => {
        moments.push(status < 200 ? 'hint' : 'headers');
        this.onHead(status, headers);
        if (status >= 200) this.moment('headers', controller);
      },
      onResponseData: (controller, chunk) => {
        if (moments.at(-1) !== 'data') moments.push('data');
        this.onData(chunk);
        this.moment('data', controller);
      },
      onResponseEnd: (_controller, trailers) => {
        this.onTrailers(trailers);
        this.end();
      },
      onResponseError: (_controller, error) => this.fail(error),
    };
  }

  #oldHandler(): object {
    const { moments } = this.outcome;
    const state = { paused: false, resume: () => {} };
    const controller: Controller = {
      pause: () => {
        state.paused = true;
      },
      resume: () => {
        state.paused = false;
        state.resume();
      },
    };
    return {
      onConnect: (abort: (reason?: unknown) => void) => {
        moments.push('start');
        this.abort = abort;
        this.moment('start');
      },
      onRequestSent: () => this.moment('sent'),
      onHeaders: (status: number, headers: Buffer[], resume: () => void) => {
        moments.push(status < 200 ? 'hint' : 'headers');
        state.resume = resume;
        const pairs: [string, string][] = [];
        for (let n = 0; n < headers.length; n += 2) {
          pairs.push([String(headers[n]).toLowerCase(), String(headers[n + 1])]);
        }
        this.onHead(status, Object.fromEntries(pairs));
        if (status >= 200) this.moment('headers', controller);
        return !state.paused;
      },
      onData: (chunk: Buffer) => {
        if (moments.at(-1) !== 'data') moments.push('data');
        this.onData(chunk);
        this.moment('data', controller);
        return !state.paused;
      },
      onComplete: (trailers: Buffer[] | null) => {
        this.onTrailers((trailers ?? []).map(String));
        this.end();
      },
      onError: (error: Error) => this.fail(error),
    };
  }

  async #read({ statusCode, headers, body, trailers }: Dispatcher.ResponseData): Promise<void> {
    this.onHead(statusCode, headers);
    this.moment('headers');
    for await (const chunk of body) this.onData(chunk as Buffer);
    this.onTrailers(trailers);
  }

  #sink(): Writable {
    this.moment('headers');
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.onData(chunk);
        done();
      },
    });
  }

  #pipe(options: Options): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const duplex = this.#context.dispatcher.pipeline(options as never, ({ statusCode, headers, body }) => {
      this.onHead(statusCode, headers);
      this.moment('headers');
      return body;
    });
    duplex.on('data', (chunk: Buffer) => this.onData(chunk));
    duplex.on('end', resolve);
    duplex.on('error', reject);
    duplex.on('close', () => reject(new Error('closed early')));
    const bytes = bytesOf(this.call.id, this.call.body.size);
    // Node 24 sends empty frames for ever when an empty piece is written with HTTP/2.
    if (bytes.length > 0) duplex.end(bytes);
    else duplex.end();
    return promise;
  }

  async #fetch({ origin, path, method, headers, body, signal }: Options): Promise<void> {
    const response = await undiciFetch(`${origin}${path}`, {
      dispatcher: this.#context.dispatcher,
      method,
      redirect: 'manual',
      headers: headers as never,
      ...(body != null && { body: body as never, duplex: 'half' as const }),
      ...(signal !== undefined && { signal: signal as AbortSignal }),
    });
    this.onHead(response.status, Object.fromEntries(response.headers));
    this.moment('headers');
    if (response.body !== null) for await (const chunk of response.body) this.onData(chunk);
  }
}
