// Makes a call as its scenario says, and writes down what its caller gets to know.
import { createHash } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { type Duplex, Readable, Writable } from 'node:stream';
import { type Dispatcher, Dispatcher1Wrapper, FormData, fetch as undiciFetch } from 'undici';
import { bytesOf, type Call, type HeaderValue, type Reason } from './scenario.ts';
import { callContext } from './writes.ts';

export interface Outcome {
  /** The response came to its end, and the caller was told so. */
  served: boolean;
  status: number;
  /** Everything that the caller got to know but the error: head, hints, body, trailers. */
  said: string;
  /** In words; '' for none. */
  error: string;
  code: string;
  /** What the caller was told, in order. */
  moments: string[];
  /** Times that the caller was told of an end. */
  settled: number;
  /** It was over before the dispatching call returned. */
  atOnce: boolean;
  startedAt: number;
  /** Milliseconds from dispatch to the end; -1 before. */
  took: number;
  /** What `dispatch` returned. */
  more: boolean | undefined;
  /** Listeners on the signal when it was over. */
  listeners: number;
  /** The caller wanted to give up at a moment, and could not, for nothing had begun. */
  unheard: boolean;
}

type Options = Dispatcher.DispatchOptions & Record<string, unknown>;

const IGNORED = new Set(['date', 'connection', 'keep-alive']);

/** What a caller says as it throws, or gives up. */
export const WORDS = 'says the caller of';

export function wordsOf(call: number): string {
  return `so ${WORDS} call ${call}.`;
}

export interface CallerContext {
  readonly dispatcher: Dispatcher;
  readonly origin: string;
  /** The same for all calls of a worker that reuse their objects. */
  readonly options: Options;
  readonly headers: Record<string, unknown>;
}

export class Caller {
  readonly call: Call;
  readonly outcome: Outcome = {
    served: false,
    status: 0,
    said: '',
    error: '',
    code: '',
    moments: [],
    settled: 0,
    atOnce: false,
    startedAt: performance.now(),
    took: -1,
    more: undefined,
    listeners: 0,
    unheard: false,
  };
  readonly over = Promise.withResolvers<void>();

  readonly #context: CallerContext;
  readonly #body = createHash('sha1');
  readonly #head: string[] = [];
  #length = 0;
  #trailers = '';
  #abort: ((reason: unknown) => void) | undefined;
  #signal: AbortController | undefined;
  #dispatched = false;

  constructor(call: Call, context: CallerContext) {
    this.call = call;
    this.#context = context;
  }

  /** Makes the call. What has to be told comes later, as the outcome. */
  start(): void {
    const { call } = this;
    const options = this.#options();
    try {
      this.#send(options);
    } catch (error) {
      this.#fail(error);
    }
    this.#dispatched = true;
    if (this.outcome.settled > 0) this.outcome.atOnce = true;
    if (call.reuse) this.#change(options);
    this.#moment('dispatch');
    const { act } = call;
    // By somebody else, in whose context nothing of this call belongs.
    if (typeof act?.at === 'number')
      setTimeout(() => callContext.exit(() => this.#abort?.(this.#reason)), act.at);
  }

  #send(options: Options): void {
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
              this.#onHead(statusCode, headers);
              return this.#sink();
            })
            .then(({ trailers }) => this.#onTrailers(trailers)),
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
          ).then((data) => this.#echo(data.socket as never)),
        );
        return;
      case 'connect':
        this.#settle(dispatcher.connect(options as never).then((data) => this.#echo(data.socket as never)));
    }
  }

  // What is given

  #options(): Options {
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
      this.#signal = new AbortController();
      options.signal = this.#signal.signal;
      this.#abort = (reason) => this.#signal!.abort(reason);
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

  /** As one does who fills in an object, sends it, and fills it in for the next. */
  #change(options: Options): void {
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

  #bodyFor(): unknown {
    const { id, body } = this.call;
    const bytes = bytesOf(id, body.size);
    const parts = () =>
      [bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)].filter(
        ({ length }) => length > 0,
      );
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
      () => this.#end(),
      (error) => this.#fail(error),
    );
  }

  #end(): void {
    const { outcome } = this;
    outcome.moments.push('end');
    this.#moment('end');
    this.#over(true);
  }

  #fail(error: unknown): void {
    const { outcome } = this;
    outcome.moments.push('error');
    if (outcome.settled === 0) {
      outcome.error = describe(error);
      outcome.code = String((error as NodeJS.ErrnoException | null)?.code ?? '');
    }
    this.#over(false);
  }

  #over(served: boolean): void {
    const { outcome } = this;
    outcome.settled++;
    if (outcome.settled > 1) return;
    outcome.served = served;
    outcome.said = `${this.#head.join(' / ')} / ${this.#length} ${this.#body.digest('hex').slice(0, 12)} / ${this.#trailers}`;
    outcome.took = performance.now() - outcome.startedAt;
    if (!this.#dispatched) outcome.atOnce = true;
    setImmediate(() => {
      if (this.#signal !== undefined)
        outcome.listeners = getEventListeners(this.#signal.signal, 'abort').length;
      this.over.resolve();
    });
  }

  #moment(at: 'dispatch' | 'start' | 'headers' | 'data' | 'end' | 'sent', controller?: Controller): void {
    const { act } = this.call;
    if (act?.at !== at || this.outcome.settled > 0) return;
    if (act.do === 'throw') throw new Error(wordsOf(this.call.id));
    if (act.do === 'abort') {
      this.outcome.unheard = this.#abort === undefined;
      this.#abort?.(this.#reason);
    }
    if (act.do === 'pause' && controller !== undefined) {
      controller.pause();
      setTimeout(() => controller.resume(), 5);
    }
  }

  /** Why it gives up. */
  get #reason(): unknown {
    const { id, act } = this.call;
    return REASONS[act?.reason ?? 'error'](id);
  }

  #onHead(status: number, headers: object): void {
    this.outcome.status = status;
    const pairs = Object.entries(headers).filter(([name]) => !IGNORED.has(name) && !name.startsWith(':'));
    this.#head.push(
      `${status} ${pairs
        .map(([name, value]) => `${name}: ${value}`)
        .toSorted()
        .join(', ')}`,
    );
  }

  #onData(chunk: Uint8Array): void {
    this.#length += chunk.length;
    this.#body.update(chunk);
  }

  #onTrailers(trailers: object | null | undefined): void {
    this.#trailers = JSON.stringify({ ...trailers });
  }

  #handler(): Dispatcher.DispatchHandler {
    const { moments } = this.outcome;
    return {
      onRequestStart: (controller) => {
        moments.push('start');
        this.#abort = (reason) => controller.abort(reason as Error);
        this.#moment('start', controller);
      },
      onRequestSent: () => this.#moment('sent'),
      onResponseStart: (controller, status, headers) => {
        moments.push(status < 200 ? 'hint' : 'headers');
        this.#onHead(status, headers);
        if (status >= 200) this.#moment('headers', controller);
      },
      onResponseData: (controller, chunk) => {
        if (moments.at(-1) !== 'data') moments.push('data');
        this.#onData(chunk);
        this.#moment('data', controller);
      },
      onResponseEnd: (_controller, trailers) => {
        this.#onTrailers(trailers);
        this.#end();
      },
      onResponseError: (_controller, error) => this.#fail(error),
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
        this.#abort = abort;
        this.#moment('start');
      },
      onRequestSent: () => this.#moment('sent'),
      onHeaders: (status: number, headers: Buffer[], resume: () => void) => {
        moments.push(status < 200 ? 'hint' : 'headers');
        state.resume = resume;
        const pairs: [string, string][] = [];
        for (let n = 0; n < headers.length; n += 2) {
          pairs.push([String(headers[n]).toLowerCase(), String(headers[n + 1])]);
        }
        this.#onHead(status, Object.fromEntries(pairs));
        if (status >= 200) this.#moment('headers', controller);
        return !state.paused;
      },
      onData: (chunk: Buffer) => {
        if (moments.at(-1) !== 'data') moments.push('data');
        this.#onData(chunk);
        this.#moment('data', controller);
        return !state.paused;
      },
      onComplete: (trailers: Buffer[] | null) => {
        this.#onTrailers((trailers ?? []).map(String));
        this.#end();
      },
      onError: (error: Error) => this.#fail(error),
    };
  }

  async #read({ statusCode, headers, body, trailers }: Dispatcher.ResponseData): Promise<void> {
    this.#onHead(statusCode, headers);
    this.#moment('headers');
    for await (const chunk of body) this.#onData(chunk as Buffer);
    this.#onTrailers(trailers);
  }

  #sink(): Writable {
    this.#moment('headers');
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.#onData(chunk);
        done();
      },
    });
  }

  #pipe(options: Options): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const duplex = this.#context.dispatcher.pipeline(options as never, ({ statusCode, headers, body }) => {
      this.#onHead(statusCode, headers);
      this.#moment('headers');
      return body;
    });
    duplex.on('data', (chunk: Buffer) => this.#onData(chunk));
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
    this.#onHead(response.status, Object.fromEntries(response.headers));
    this.#moment('headers');
    if (response.body !== null) for await (const chunk of response.body) this.#onData(chunk);
  }

  /** A socket of one's own gives back what it is given. */
  async #echo(socket: Duplex): Promise<void> {
    this.#onHead(101, {});
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('closed early')));
      socket.on('data', (chunk: Buffer) => {
        this.#onData(chunk);
        if (this.#length >= 4) resolve();
      });
      socket.write('ping');
    });
    await new Promise<void>((resolve) => {
      socket.on('close', () => resolve());
      socket.destroy();
    });
  }
}

interface Controller {
  pause(): void;
  resume(): void;
}

/** A stream that breaks off. */
function failing(): Readable {
  let begun = false;
  return new Readable({
    read() {
      if (begun) return;
      begun = true;
      this.push('part');
      setImmediate(() => this.destroy(new Error('the body failed')));
    },
  });
}

function headerValue(value: HeaderValue): unknown {
  if (typeof value === 'string') return value;
  if ('special' in value) return { undefined: undefined, null: null, none: [] }[value.special];
  return [...value];
}

const REASONS: Record<Reason, (call: number) => unknown> = {
  error: (call) => new Error(wordsOf(call)),
  undefined: () => undefined,
  null: () => null,
  zero: () => 0,
  empty: () => '',
  false: () => false,
  timeout: () => new DOMException('too late', 'TimeoutError'),
};

/** Addresses and ports differ from run to run. */
function describe(error: unknown): string {
  if (typeof error !== 'object' || error === null) return `${typeof error} ${String(error)}`;
  const { name, code, message, cause } = error as NodeJS.ErrnoException;
  const text = `${name} ${code}: ${message}`.replace(/\d+\.\d+\.\d+\.\d+(:\d+)?/g, 'address');
  // fetch says little by itself.
  return name === 'TypeError' && cause !== undefined ? `${text} < ${describe(cause)}` : text;
}
