import { EventEmitter } from 'node:events';
import type { Readable } from 'node:stream';
import { Agent, type Client, Dispatcher } from 'undici';
import { QueueFullError } from '../../../core/base/errors.ts';
import type { ServiceStats } from '../../../telemetry/stats.ts';
import { SocketMocks } from '../../common/socket-mocks.ts';
import type { Pending, Verdicts } from '../../global/verdicts.ts';
import { type BalancedAgent, settingsOf } from '../agent.ts';
import { assertRequest } from '../checks.ts';
import { forBothKinds, type Interceptor } from '../composing.ts';
import {
  isLegacy,
  type LegacyHandler,
  missingMethod,
  normalizeLegacyOptions,
  rejectWith,
} from '../handlers.ts';
import { keptOptions } from '../kept-options.ts';
import { asksForRedirects, followRedirects } from '../redirects.ts';
import { RequestOptions } from '../request-options.ts';
import { webOptionsOf } from '../undici.ts';
import { isComposed } from './claims.ts';

type Options = Dispatcher.DispatchOptions;
type Handler = Dispatcher.DispatchHandler | LegacyHandler;
type Callback = () => void;

/** The dispatchers that were global before, one for each kind of handler. */
export interface Previous {
  readonly legacy: Dispatcher;
  readonly modern: Dispatcher;
}

export interface GlobalDispatcherOptions {
  readonly agent: BalancedAgent;
  readonly previous: Previous;
  readonly verdicts: Verdicts;
  /** How many requests to one origin may wait for its verdict. */
  readonly maxHeld: number;
}

/** What `install()` of any copy of evenkeel makes global has this. If it was released: the ones that it sends everything through. */
const PASSES_TO = Symbol.for('evenkeel.passesTo');

const EVENTS = ['connect', 'disconnect', 'connectionError', 'drain'];

/**
 * What `install()` makes global. Sends managed requests through the agent, and all others through the dispatcher that
 * was global before.
 */
export class GlobalDispatcher extends Dispatcher {
  // Not `#private`, because they are also reached through the Proxy that `compose` makes.
  readonly agent: BalancedAgent;
  readonly previous: Previous;
  readonly #verdicts: Verdicts;
  readonly #mocks: SocketMocks;
  readonly #maxHeld: number;
  readonly #forwarders: Callback[];
  #released = false;
  private optionsRead = 0;

  constructor({ agent, previous, verdicts, maxHeld }: GlobalDispatcherOptions) {
    super();
    this.agent = agent;
    this.previous = previous;
    this.#verdicts = verdicts;
    this.#mocks = new SocketMocks(settingsOf(agent));
    this.#maxHeld = maxHeld;
    const sources = new Set<Dispatcher>([agent, previous.legacy, previous.modern]);
    this.#forwarders = Array.from(sources, (source) => this.#forwardEventsOf(source));
  }

  override dispatch(options: Options, handler: Handler): boolean {
    if (isObject(options) && asksForRedirects(options) && isObject(handler) && isLegacy(handler))
      return followRedirects(this, options, handler);
    const origin = this.#passesAll() ? undefined : originOf(options, handler);
    if (origin === undefined) return this.#pass(options, handler);
    const known = this.#verdicts.on(origin);
    if (known.name === 'managed') return this.agent.dispatch(options, handler);
    if (known.name === 'foreign') return this.#pass(options, handler);
    return this.#hold(known, options, handler);
  }

  override compose(interceptors: Interceptor[]): Dispatcher.ComposedDispatcher;
  override compose(...interceptors: Interceptor[]): Dispatcher.ComposedDispatcher;
  override compose(...given: (Interceptor | Interceptor[])[]): Dispatcher.ComposedDispatcher {
    return super.compose(forBothKinds(given));
  }

  get [PASSES_TO](): Previous | undefined {
    return this.#released ? this.previous : undefined;
  }

  /** Whether undici's wrapper for older callers wraps this dispatcher. */
  isBehind(wrapper: Dispatcher): boolean {
    const before = this.optionsRead;
    void webOptionsOf(wrapper).webSocketOptions;
    return this.optionsRead > before;
  }

  /** From now on, sends everything through the dispatchers that were global before: other code may still hold this one. */
  release(): void {
    this.#released = true;
    for (const stop of this.#forwarders) stop();
  }

  /** Closes the agent. The dispatchers that were global before belong to others. */
  override close(): Promise<void>;
  override close(callback: Callback): void;
  override close(callback?: Callback): Promise<void> | undefined {
    return callback === undefined ? this.agent.close() : void this.agent.close(callback);
  }

  override destroy(): Promise<void>;
  override destroy(error: Error | null): Promise<void>;
  override destroy(callback: Callback): void;
  override destroy(error: Error | null, callback: Callback): void;
  override destroy(error: Error | Callback | null = null, callback?: Callback): Promise<void> | undefined {
    if (typeof error === 'function') return void this.agent.destroy(error);
    return callback === undefined ? this.agent.destroy(error) : void this.agent.destroy(error, callback);
  }

  get closed(): boolean {
    return this.agent.closed;
  }

  get destroyed(): boolean {
    return this.agent.destroyed;
  }

  get stats(): Record<string, ServiceStats> {
    return this.agent.stats;
  }

  get webSocketOptions(): Client.WebSocketOptions {
    this.optionsRead++;
    return this.agent.webSocketOptions;
  }

  get eventSourceOptions(): Client.EventSourceOptions {
    return this.agent.eventSourceOptions;
  }

  /** `fetch` reads this on its dispatcher. A MockAgent gets bodies that can be compared. */
  get isMockActive(): boolean {
    const { legacy, modern } = this.previous as Record<keyof Previous, { isMockActive?: boolean }>;
    return Boolean(legacy.isMockActive || modern.isMockActive);
  }

  #passesAll(): boolean {
    return this.#released || this.#mocks.areActive;
  }

  #pass(options: Options, handler: Handler): boolean {
    const { legacy, modern } = this.previous;
    if (!isObject(handler) || !isLegacy(handler)) return modern.dispatch(options, handler);
    // They may reach a dispatcher of another undici version than their own.
    return legacy.dispatch(normalizeLegacyOptions(options), handler as object);
  }

  /** Keeps a request until there is a verdict on its origin. */
  #hold(pending: Pending, given: Options, handler: Handler): boolean {
    if (pending.held >= this.#maxHeld) {
      rejectWith(handler, new QueueFullError(`${pending.held} requests wait for their name to be looked up`));
      return false;
    }
    let options: Options;
    try {
      options = keptOptions(given);
      // undici would throw this wherever the request goes. Other dispatchers may accept what undici's don't.
      if (this.previous.modern instanceof Agent && !isLegacy(handler)) assertDispatchable(options, handler);
    } catch (error) {
      rejectWith(handler, error as Error);
      return true;
    }
    pending.held++;
    const body = bodyStreamOf(options);
    body?.on('error', ignore);
    void pending.settled.then(({ name }) => {
      pending.held--;
      body?.off('error', ignore);
      try {
        if (name === 'managed' && !this.#passesAll()) this.agent.dispatch(options, handler);
        else this.#pass(options, handler);
      } catch (error) {
        // The caller's `dispatch` has returned long ago.
        rejectWith(handler, error as Error);
      }
    });
    return true;
  }

  #forwardEventsOf(source: Dispatcher): Callback {
    if (!(source instanceof EventEmitter)) return ignore;
    const stops = EVENTS.map((event) => {
      const forward = (origin: URL, targets: readonly Dispatcher[] = [], ...rest: unknown[]): void => {
        (this as EventEmitter).emit(event, origin, [this, ...targets], ...rest);
      };
      (source as EventEmitter).on(event, forward);
      return () => (source as EventEmitter).off(event, forward);
    });
    return () => {
      for (const stop of stops) stop();
    };
  }
}

export function isOfEvenkeel(dispatcher: Dispatcher): boolean {
  return PASSES_TO in dispatcher;
}

/** The dispatcher that really sends: one of evenkeel that was released only passes requests on. */
export function endOf(dispatcher: Dispatcher, generation: keyof Previous): Dispatcher {
  if (isComposed(dispatcher)) return dispatcher;
  const passesTo = (dispatcher as { [PASSES_TO]?: Previous | undefined })[PASSES_TO];
  return passesTo === undefined ? dispatcher : endOf(passesTo[generation], generation);
}

/** The origin of a request, if it can be judged. Otherwise the dispatcher before throws undici's own error. */
function originOf(options: Options | undefined, handler: unknown): string | undefined {
  const origin = options?.origin;
  if (!origin || !isObject(handler)) return undefined;
  if (typeof origin === 'string') return origin;
  return origin instanceof URL ? origin.origin : undefined;
}

/** @throws what undici would throw for a request that it doesn't accept */
function assertDispatchable(options: Options, handler: Dispatcher.DispatchHandler): void {
  const request = new RequestOptions(options);
  assertRequest(request, missingMethod(handler, request.upgrades));
}

function bodyStreamOf({ body }: Options): Readable | undefined {
  // Without a listener, an error of a stream that nobody sends is an uncaught exception.
  return isObject(body) && 'pipe' in body && 'on' in body ? (body as Readable) : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function ignore(): void {}
