// Makes a call as its scenario says, and writes down what its caller gets to know.
import { createHash } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { type Duplex, Readable } from 'node:stream';
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

const IGNORED = new Set(['date', 'connection', 'keep-alive']);

/** What a caller says as it throws, or gives up. */
export const WORDS = 'says the caller of';

export function wordsOf(call: number): string {
  return `so ${WORDS} call ${call}.`;
}

/** One call, by one of the APIs of a transport. */
export abstract class Caller {
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
  /** Gives the call up; none before that is possible. */
  protected abort: ((reason: unknown) => void) | undefined;
  protected signal: AbortController | undefined;
  readonly #body = createHash('sha1');
  readonly #head: string[] = [];
  #length = 0;
  #trailers = '';
  #dispatched = false;

  constructor(call: Call) {
    this.call = call;
  }

  /** Makes the call. What has to be told comes later, as the outcome. */
  start(): void {
    try {
      this.send();
    } catch (error) {
      this.fail(error);
    }
    this.#dispatched = true;
    if (this.outcome.settled > 0) this.outcome.atOnce = true;
    if (this.call.reuse) this.change();
    this.moment('dispatch');
    const { act } = this.call;
    // By somebody else, in whose context nothing of this call belongs.
    if (typeof act?.at === 'number')
      setTimeout(() => callContext.exit(() => this.abort?.(this.#reason)), act.at);
  }

  protected abstract send(): void;

  /** Changes what it was given, as one does who fills in an object, sends it, and fills it in for the next. */
  protected abstract change(): void;

  /** Why it gives up. */
  get #reason(): unknown {
    const { id, act } = this.call;
    return REASONS[act?.reason ?? 'error'](id);
  }

  protected moment(
    at: 'dispatch' | 'start' | 'headers' | 'data' | 'end' | 'sent',
    controller?: Controller,
  ): void {
    const { act } = this.call;
    if (act?.at !== at || this.outcome.settled > 0) return;
    if (act.do === 'throw') throw new Error(wordsOf(this.call.id));
    if (act.do === 'abort') {
      this.outcome.unheard = this.abort === undefined;
      this.abort?.(this.#reason);
    }
    if (act.do === 'pause' && controller !== undefined) {
      controller.pause();
      setTimeout(() => controller.resume(), 5);
    }
  }

  // What is told

  protected onHead(status: number, headers: object): void {
    this.outcome.status = status;
    const pairs = Object.entries(headers).filter(([name]) => !IGNORED.has(name) && !name.startsWith(':'));
    this.#head.push(
      `${status} ${pairs
        .map(([name, value]) => `${name}: ${value}`)
        .toSorted()
        .join(', ')}`,
    );
  }

  protected onData(chunk: Uint8Array): void {
    this.#length += chunk.length;
    this.#body.update(chunk);
  }

  protected onTrailers(trailers: object | null | undefined): void {
    this.#trailers = JSON.stringify({ ...trailers });
  }

  protected end(): void {
    const { outcome } = this;
    outcome.moments.push('end');
    this.moment('end');
    this.#over(true);
  }

  protected fail(error: unknown): void {
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
      if (this.signal !== undefined)
        outcome.listeners = getEventListeners(this.signal.signal, 'abort').length;
      this.over.resolve();
    });
  }

  /** A socket of one's own gives back what it is given. */
  protected async echo(socket: Duplex): Promise<void> {
    this.onHead(101, {});
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('closed early')));
      socket.on('data', (chunk: Buffer) => {
        this.onData(chunk);
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

export interface Controller {
  pause(): void;
  resume(): void;
}

/** The body of a call, in two halves. */
export function partsOf({ id, body }: Call): Buffer[] {
  const bytes = bytesOf(id, body.size);
  return [bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)].filter(
    ({ length }) => length > 0,
  );
}

/** A stream that breaks off. */
export function failing(): Readable {
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

export function headerValue(value: HeaderValue): unknown {
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
