// What is played: pure data, the same for both clients, that can be printed, replayed and made smaller.

import type { ThemeName } from './themes.ts';

export type Protocol = 'h1' | 'h2c' | 'h2';

/** What makes the calls; node:http does over HTTP/1.1. */
export type Transport = 'undici' | 'http';

/** A moment in the life of a call, as its caller sees it; a number: so many milliseconds after dispatch. */
export type Moment = 'dispatch' | 'start' | 'headers' | 'data' | 'end' | 'sent' | number;

export type Reason = 'error' | 'undefined' | 'null' | 'zero' | 'empty' | 'false' | 'timeout';

/** What a caller does to its call, at a moment. */
export interface Act {
  readonly at: Moment;
  readonly do: 'abort' | 'throw' | 'pause';
  readonly reason?: Reason;
}

/** How a server breaks off, and when. */
export interface Break {
  readonly after: 'nothing' | 'head' | 'half' | 'full';
  /** `goaway…`: HTTP/2 says that it goes, and that it has looked at all, or at no more than it has begun to answer. */
  readonly how: 'fin' | 'reset' | 'garbage' | 'twice' | 'goaway' | 'goaway-executed' | `code ${number}`;
  /** Milliseconds from that moment. */
  readonly later?: number;
}

/** What a server does about one attempt of a call. */
export interface Reply {
  /** When it looks at the request: when its head has come, or all of it. */
  readonly at: 'head' | 'body';
  /** Milliseconds that it thinks about it. */
  readonly delay: number;
  /** 1xx before the response. */
  readonly hints: readonly number[];
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly framing: 'length' | 'chunked' | 'close';
  /** Bytes. */
  readonly size: number;
  /** Writes that the response comes in, with a turn of the loop between them. */
  readonly pieces: number;
  readonly trailers: boolean;
  readonly break?: Break;
}

export type HeaderForm = 'object' | 'array' | 'map' | 'entries' | 'generator' | 'headers';

/** A value that isn't a plain text. */
export type HeaderValue = string | { readonly special: 'undefined' | 'null' | 'none' } | readonly string[];

export interface Body {
  readonly kind:
    | 'none'
    | 'string'
    | 'buffer'
    | 'stream'
    | 'iterator'
    | 'iterable'
    | 'form'
    | 'failing stream';
  readonly size: number;
}

/** Of node:http there are `request`, `signalled`, which is given a signal, and what gets a socket. */
export type Api =
  | 'new'
  | 'old'
  | 'request'
  | 'signalled'
  | 'stream'
  | 'pipeline'
  | 'fetch'
  | 'upgrade'
  | 'connect';

export interface Call {
  readonly id: number;
  readonly api: Api;
  readonly method: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers: {
    readonly form: HeaderForm;
    readonly pairs: readonly (readonly [string, HeaderValue])[];
  };
  readonly body: Body;
  /** Options and headers are objects that the worker uses for all such calls, and changes after each dispatch. */
  readonly reuse: boolean;
  /** Options as they are, for what is not sent at all, or differently. */
  readonly more?: Readonly<Record<string, unknown>>;
  readonly act?: Act;
  /** What its attempts meet, the last of them over and over. */
  readonly replies: readonly Reply[];
}

export type Step =
  /** `await`: the next step comes when it has ended. */
  | { readonly call: Call; readonly await: boolean }
  | { readonly wait: number }
  | { readonly block: number }
  /** Until all that the worker has begun has ended. */
  | { readonly join: true }
  /** Which pods there are from now on. None: the name is withdrawn. */
  | { readonly pods: readonly number[] };

export interface Scenario {
  readonly seed: number;
  readonly protocol: Protocol;
  /** None: undici. */
  readonly transport?: Transport;
  /** By node:https. */
  readonly secure?: boolean;
  /** What it is about, if it is about one thing. */
  readonly theme?: 'burst' | 'hint' | 'withdrawn' | ThemeName;
  /** Milliseconds that all calls have, and then the end of an agent, if that is not the usual. */
  readonly patience?: number;
  /** Somebody traces requests. */
  readonly traced?: boolean;
  readonly pods: number;
  /** Options of undici's, for both. */
  readonly shared: Readonly<Record<string, unknown>>;
  /** Options that only BalancedAgent has. */
  readonly own: Readonly<Record<string, unknown>>;
  readonly server: {
    /** Milliseconds until a server speaks on a new connection. */
    readonly slowAccept: number;
    /** Pods that nobody listens at; never the first one, which stock has. */
    readonly dead?: readonly number[];
    /** Connections after which each pod stops listening, and goes on with those that it has. */
    readonly deafAfter?: number;
    /** Milliseconds after which a server closes an idle connection; 0: never. */
    readonly idleTimeout: number;
    readonly maxConcurrentStreams?: number;
    /** After so many streams of a session, the limit is lowered to that. */
    readonly lowered?: readonly [after: number, to: number];
    readonly initialWindowSize?: number;
    /** What the first pod, and no other, says in each response. */
    readonly firstPodSays?: readonly [string, string];
    /** The pod, and no other, that sends each response twice, at once; never the first one, which stock has. */
    readonly doublePod?: number;
  };
  readonly workers: readonly (readonly Step[])[];
  readonly end: 'close' | 'destroy';
  /** Whether it ends with calls under way. */
  readonly endsEarly: boolean;
}

export function callsOf(scenario: Scenario): Call[] {
  return scenario.workers.flatMap((steps) => steps.flatMap((step) => ('call' in step ? [step.call] : [])));
}

/** What the attempt of a call meets, the first one being 0. */
export function replyTo(call: Call, attempt: number): Reply {
  return call.replies[Math.min(attempt, call.replies.length - 1)]!;
}

const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY']);

/** Whether it does no harm when it is executed twice, by the method or a key that is really sent. */
export function isRepeatable({ api, method, headers, body, more }: Call): boolean {
  if (!['none', 'string', 'buffer', 'form'].includes(body.kind)) return false;
  // As undici takes it: anything but nothing.
  if (more?.idempotent != null) return Boolean(more.idempotent);
  if (REPEATABLE.has(method)) return true;
  return headers.pairs.some(
    ([name, value]) =>
      /^(x-)?idempotency-key$/i.test(name) &&
      (typeof value === 'string'
        ? value !== ''
        : Array.isArray(value)
          ? value.some((text) => text !== '')
          : // fetch makes words of these, and sends them (seed 600246).
            api === 'fetch' && 'special' in value && value.special !== 'none'),
  );
}

/** The bytes of a body, or a response, of a call: different in each place, so that none is taken for another. */
export function bytesOf(id: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  const text = `${id}:`;
  for (let at = 0; at < size; ) {
    at += bytes.write(`${text}${at};`, at, 'latin1');
  }
  return bytes;
}

/** A server that behaves. */
export const PLAIN: Reply = {
  at: 'body',
  delay: 0,
  hints: [],
  status: 200,
  headers: [],
  framing: 'length',
  size: 2,
  pieces: 1,
  trailers: false,
};

/** A GET without anything special. */
export function plainCall(id: number, reply: Partial<Reply> = {}): Call {
  return {
    id,
    api: 'request',
    method: 'GET',
    headers: { form: 'object', pairs: [['x-id', String(id)]] },
    body: { kind: 'none', size: 0 },
    reuse: false,
    replies: [{ ...PLAIN, ...reply }],
  };
}
