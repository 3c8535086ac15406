import type { TestContext } from 'node:test';
import { type CallOptions, type Client, createClient, type Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from '@connectrpc/connect-node';
import { type BalancedSessions, type BalancedSessionsOptions, balancedSessions } from '../../src/connect.ts';
import type { ServiceStats } from '../../src/telemetry/stats.ts';
import { countAnswers } from './answers.ts';
import { ECHO, type Text } from './connect-pod.ts';
import { type Addressed, ManualResolver } from './manual-resolver.ts';

/** Where nothing else is said, tests call this, whatever there is by that name. */
export const BASE_URL = 'http://orders.prod:50051';

export const PROTOCOLS = {
  gRPC: createGrpcTransport,
  Connect: createConnectTransport,
  'gRPC-Web': createGrpcWebTransport,
} as const;

export type Protocol = keyof typeof PROTOCOLS;

/** The methods of `ECHO`, which no generated code has types for. */
interface Echo {
  unary(text: Text, options?: CallOptions): Promise<Text>;
  serverStream(text: Text, options?: CallOptions): AsyncIterable<Text>;
  clientStream(texts: AsyncIterable<Text>, options?: CallOptions): Promise<Text>;
  bidi(texts: AsyncIterable<Text>, options?: CallOptions): AsyncIterable<Text>;
}

/** A client for `ECHO`. */
export class EchoClient {
  readonly echo: Echo;

  constructor(transport: Transport) {
    this.echo = createClient(ECHO, transport) as Client<typeof ECHO> & Echo;
  }

  /** Calls once; resolves to what was answered: the address of a pod. */
  async call(options: CallOptions = {}): Promise<string> {
    const { value } = await this.echo.unary({ value: '' }, options);
    return value;
  }

  /** Calls so many times, `width` at a time. Resolves to how often each pod answered. */
  calls(count: number, width = 1, options: CallOptions = {}): Promise<Map<string, number>> {
    return countAnswers(() => this.call(options), count, width);
  }

  /** Opens a stream of messages from a pod, and reads the first. */
  async stream(): Promise<EchoStream> {
    const controller = new AbortController();
    const { signal } = controller;
    const messages = this.echo.serverStream({ value: '' }, { signal })[Symbol.asyncIterator]();
    const { value } = await messages.next();
    return { from: value.value, messages, end: () => controller.abort() };
  }

  /** Opens a stream of messages both ways. */
  bidi(options: CallOptions = {}): EchoBidi {
    return new EchoBidi(this.echo, options);
  }

  /** Sends messages, and resolves to the answer. */
  async upload(messages: readonly string[]): Promise<string> {
    const { value } = await this.echo.clientStream(textsOf(messages));
    return value;
  }
}

export interface EchoStream {
  /** The address of its pod. */
  readonly from: string;
  readonly messages: AsyncIterator<Text>;
  end(): void;
}

async function* textsOf(values: readonly string[]): AsyncGenerator<Text> {
  for (const value of values) yield { value };
}

/** One stream both ways, which is told when to go on. */
export class EchoBidi {
  readonly #messages: AsyncIterator<Text>;
  readonly #queue: Text[] = [];
  #wake: () => void = () => {};
  #ended = false;

  constructor(echo: Echo, options: CallOptions) {
    this.#messages = echo.bidi(this.#texts(), options)[Symbol.asyncIterator]();
  }

  async *#texts(): AsyncGenerator<Text> {
    for (;;) {
      yield* this.#queue.splice(0);
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Sends a text, and resolves to the one that comes back. */
  async say(value: string): Promise<string> {
    this.#queue.push({ value });
    this.#wake();
    const { value: text } = await this.#messages.next();
    return text.value;
  }

  /** Ends it, and resolves when the pod has done so, too. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#wake();
    await this.#messages.next();
  }
}

export interface Balanced {
  readonly sessions: BalancedSessions;
  readonly resolver: ManualResolver;
  readonly client: EchoClient;
  /** Another session manager for the same target. */
  another(
    more?: BalancedSessionsOptions,
    protocol?: Protocol,
  ): { sessions: BalancedSessions; client: EchoClient };
  stats(): ServiceStats;
}

/** Makes a client whose calls are balanced over these pods. */
export function startBalanced(
  t: TestContext,
  pods: readonly Addressed[],
  options: BalancedSessionsOptions = {},
  protocol: Protocol = 'gRPC',
  baseUrl = BASE_URL,
): Balanced {
  const resolver = new ManualResolver(pods);
  const given = { discovery: resolver.resolve, ...options };
  const another = (more: BalancedSessionsOptions = {}, other = protocol) => {
    const sessions = balancedSessions(baseUrl, { ...given, ...more });
    t.after(() => {
      sessions.abort();
      return sessions.close();
    });
    const transport = PROTOCOLS[other]({ baseUrl, httpVersion: '2', sessionManager: sessions });
    return { sessions, client: new EchoClient(transport) };
  };
  const { sessions, client } = another();
  return { sessions, resolver, client, another, stats: () => sessions.stats[new URL(baseUrl).origin]! };
}

/** A client with connect-node's own session manager, for one address. */
export function startStock(
  t: TestContext,
  { endpoint: { address, port } }: Addressed,
  protocol: Protocol = 'gRPC',
): { client: EchoClient; sessions: Http2SessionManager } {
  const baseUrl = `http://${address}:${port}`;
  const sessions = new Http2SessionManager(baseUrl);
  t.after(() => sessions.abort());
  const transport = PROTOCOLS[protocol]({ baseUrl, httpVersion: '2', sessionManager: sessions });
  return { client: new EchoClient(transport), sessions };
}

/** How evenly counts are spread: 1 is evenly. */
export function jain(counts: readonly number[]): number {
  const sum = counts.reduce((total, count) => total + count, 0);
  const squares = counts.reduce((total, count) => total + count ** 2, 0);
  return sum ** 2 / (counts.length * squares);
}
