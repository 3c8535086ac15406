import type { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { Agent, type Client, Dispatcher, Dispatcher1Wrapper, errors } from 'undici';
import { announce } from '../../admin/announce.ts';
import type { BalancedAgentOptions } from '../../config/options.ts';
import { resolveSettings } from '../../config/resolve-settings.ts';
import type { Settings } from '../../config/settings.ts';
import { queueMicrotask } from '../../core/base/clock.ts';
import { hostName } from '../../core/base/host.ts';
import type { ServiceOwner } from '../../core/service.ts';
import type { LiveAgent } from '../../telemetry/live-agents.ts';
import { mergedStats, type ServiceStats, statsOf } from '../../telemetry/stats.ts';
import { sharedResolverFor } from '../resolver-for.ts';
import { assertCallback, type Callback, callWhen, promised } from './callbacks.ts';
import { assertRequest } from './checks.ts';
import { forBothKinds, type Interceptor } from './composing.ts';
import { ForeignOrigins } from './foreign-origins.ts';
import {
  isLegacy,
  LegacyExchange,
  type LegacyHandler,
  ModernExchange,
  missingLegacyMethod,
  missingMethod,
  normalizeLegacyOptions,
  rejectWith,
} from './handlers.ts';
import { parseOrigin } from './origin.ts';
import { Origins } from './origins.ts';
import { asksForRedirects, followRedirects } from './redirects.ts';
import { optionsOf } from './request-options.ts';
import { webOptionsOf } from './undici.ts';

let agents = 0;

/**
 * An undici Dispatcher that balances: it finds the pods behind a name, keeps connections to each of them, and chooses a pod
 * for each request.
 */
// Members are private by TypeScript's word, not by `#`: `compose` hands out a Proxy of the agent, which
// has none of the latter.
export class BalancedAgent extends Dispatcher {
  private readonly settings: Settings;
  private readonly origins: Origins;
  /** Sends requests that evenkeel doesn't balance, and has the properties that only undici's agents have. */
  private readonly plain: Agent;
  private readonly foreign: ForeignOrigins;
  private readonly live: LiveAgent;
  private readonly leave: () => void;
  private lastOrigin = '';
  private closing: Promise<unknown> | undefined;
  private destroying: Promise<unknown> | undefined;

  /** @throws undici's `InvalidArgumentError` if an option is unknown or wrong */
  constructor(options: BalancedAgentOptions = {}) {
    super();
    this.settings = resolveSettings(options);
    this.plain = new Agent(plainOptions(options, this.settings));
    this.foreign = new ForeignOrigins(this.settings);
    this.origins = new Origins({
      settings: this.settings,
      resolver: sharedResolverFor(this.settings),
      identity: `${hostName()} ${process.pid} ${++agents}`,
      owner: this.owner(),
      onClientEvent: (url, event, client, error) => this.onClientEvent(url, event, client, error),
    });
    this.live = {
      name: 'undici',
      settings: this.settings,
      options: { ...options },
      stats: () => this.stats,
    };
    this.leave = announce(this.live);
  }

  /** `true` after `close()` has been called. */
  get closed(): boolean {
    return this.closing !== undefined;
  }

  /** `true` after `destroy()` has been called, or when `close()` has ended. */
  get destroyed(): boolean {
    return this.destroying !== undefined;
  }

  get webSocketOptions(): Client.WebSocketOptions {
    return webOptionsOf(this.plain).webSocketOptions;
  }

  get eventSourceOptions(): Client.EventSourceOptions {
    return webOptionsOf(this.plain).eventSourceOptions;
  }

  /** A short text, for logs and debuggers. */
  [inspect.custom](): string {
    const origins = Object.entries(this.stats).map(([origin, { endpoints, running, pending }]) => {
      return `${origin}: ${endpoints.length} endpoints, ${running} requests under way, ${pending} waiting`;
    });
    return `BalancedAgent { ${origins.join('; ') || 'no origins'} }`;
  }

  /** For each origin: its pods, their connections and requests, and how discovery is doing. */
  get stats(): Record<string, ServiceStats> {
    const stats: Record<string, ServiceStats> = {};
    for (const [origin, services] of this.origins.entries()) {
      stats[origin] = mergedStats(Array.from(services, statsOf));
    }
    return stats;
  }

  /**
   * The `fetch` of Node.js through this agent. It is the same as `fetch(input, { ...init, dispatcher: agent })`, but
   * TypeScript needs no cast.
   */
  readonly fetch: typeof globalThis.fetch = (input, init) =>
    globalThis.fetch(input, Object.assign({ ...init }, { dispatcher: this }));

  /**
   * Sends a request. Takes the handlers of undici 8, and those of undici 6 and 7, which built-in `fetch`
   * on Node 22 and 24 uses too.
   *
   * @returns false when the caller should wait for `drain` before the next one
   */
  override dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler | LegacyHandler,
  ): boolean {
    if (!handler || typeof handler !== 'object') {
      throw new errors.InvalidArgumentError('handler must be an object');
    }
    try {
      this.assertOpen(options, handler);
      if (asksForRedirects(options) && isLegacy(handler)) return followRedirects(this, options, handler);
      if (this.foreign.has(options.origin)) return this.dispatchPlain(options, handler);
      const origin = this.originOf(options);
      return isLegacy(handler)
        ? this.dispatchLegacy(options, origin, handler)
        : this.dispatchModern(options, origin, handler);
    } catch (error) {
      rejectWith(handler, error as Error);
      // The request doesn't wait for anything, so no `drain` would follow. undici returns true too, from 8.13 on for
      // all errors.
      return true;
    }
  }

  private assertOpen(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler | LegacyHandler,
  ): void {
    if (!options || typeof options !== 'object') {
      throw new errors.InvalidArgumentError('opts must be an object.');
    }
    if ('dispatcher' in options && options.dispatcher && !isLegacy(handler)) {
      throw new errors.InvalidArgumentError(
        'opts.dispatcher is not supported by instance methods. Pass opts.dispatcher to the top-level undici functions or call the dispatcher instance method directly.',
      );
    }
    if (this.destroying !== undefined) throw new errors.ClientDestroyedError();
    if (this.closing !== undefined) throw new errors.ClientClosedError();
  }

  /** Judges an origin the first time it comes. Checks what follows it in a URL each time. */
  private originOf({ origin }: Dispatcher.DispatchOptions): string | URL {
    if (typeof origin === 'string' && origin !== '') {
      if (origin !== this.lastOrigin && !this.origins.has(origin)) parseOrigin(origin);
      this.lastOrigin = origin;
    } else if (origin instanceof URL) {
      parseOrigin(origin);
    } else {
      throw new errors.InvalidArgumentError('opts.origin must be a non-empty string or URL.');
    }
    return origin;
  }

  private dispatchPlain(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler | LegacyHandler,
  ): boolean {
    if (!isLegacy(handler)) return this.plain.dispatch(options, handler);
    return new Dispatcher1Wrapper(this.plain).dispatch(normalizeLegacyOptions(options), handler as object);
  }

  private dispatchModern(
    options: Dispatcher.DispatchOptions,
    origin: string | URL,
    handler: Dispatcher.DispatchHandler,
  ): boolean {
    const h2 = (options as { allowH2?: boolean }).allowH2 !== false;
    const request = optionsOf(options);
    const missing = missingMethod(handler, request.upgrades);
    const service = this.origins.serviceFor(origin, request, h2, missing);
    if (missing !== undefined) assertRequest(request, missing);
    return service.take(new ModernExchange(request, handler, service), options);
  }

  private dispatchLegacy(
    given: Dispatcher.DispatchOptions,
    origin: string | URL,
    handler: LegacyHandler,
  ): boolean {
    const options = normalizeLegacyOptions(given);
    const request = optionsOf(options);
    const missing = missingLegacyMethod(handler, request.upgrades);
    // Older callers fail over HTTP/2: https://github.com/nodejs/undici/issues/4989
    const service = this.origins.serviceFor(origin, request, false, missing);
    if (missing !== undefined) assertRequest(request, missing);
    return service.take(new LegacyExchange(request, handler, service), options);
  }

  override compose(interceptors: Interceptor[]): Dispatcher.ComposedDispatcher;
  override compose(...interceptors: Interceptor[]): Dispatcher.ComposedDispatcher;
  override compose(...given: (Interceptor | Interceptor[])[]): Dispatcher.ComposedDispatcher {
    return super.compose(forBothKinds(given));
  }

  /** Takes no more requests, waits until those that it has are finished, and closes all connections. */
  override close(): Promise<void>;
  override close(callback: Callback): void;
  override close(callback?: Callback): Promise<void> | undefined {
    if (callback === undefined) return promised((done) => this.close(done));
    assertCallback(callback);
    if (this.destroying !== undefined) {
      queueMicrotask(() => callback(new errors.ClientDestroyedError(), null));
      return undefined;
    }
    this.closing ??= Promise.all([this.plain.close(), this.origins.end((service) => service.close())]).then(
      () => {
        this.leave();
        this.destroying ??= Promise.resolve();
      },
    );
    callWhen(this.closing, callback);
    return undefined;
  }

  /** Ends all requests at once, with `error`, and closes all connections. */
  override destroy(): Promise<void>;
  override destroy(error: Error | null): Promise<void>;
  override destroy(callback: Callback): void;
  override destroy(error: Error | null, callback: Callback): void;
  override destroy(error?: Error | Callback | null, callback?: Callback): Promise<void> | undefined {
    if (typeof error === 'function') {
      this.destroy(null, error);
      return undefined;
    }
    if (callback === undefined) return promised((done) => this.destroy(error ?? null, done));
    assertCallback(callback);
    if (this.destroying === undefined) {
      const reason = error || new errors.ClientDestroyedError();
      const ended = Promise.withResolvers<unknown>();
      // Set before callers are told, so that a caller that tries again at once is refused.
      this.destroying = ended.promise;
      this.leave();
      ended.resolve(
        Promise.all([this.plain.destroy(reason), this.origins.end((service) => service.destroy(reason))]),
      );
    }
    callWhen(this.destroying, callback);
    return undefined;
  }

  private onClientEvent(url: URL, event: 'connect' | 'disconnect', client: Client, error?: Error): void {
    const targets = [this, client];
    if (event === 'connect') this.emit('connect', url, targets);
    else this.emit('disconnect', url, targets, error as errors.UndiciError);
  }

  /** What services tell the agent: an object of its own, so that these methods aren't public on the agent. */
  private owner(): ServiceOwner {
    return {
      onConnectionError: (service, error) => {
        this.emit('connectionError', service.url, [this], error as errors.UndiciError);
      },
      onDrain: (service) => {
        // undici passes the targets too, although its types leave them out.
        (this as EventEmitter).emit('drain', service.url, [this]);
      },
      onIdle: (service) => this.origins.delete(service),
    };
  }
}

/** The settings of an agent, for code that acts for it. */
export function settingsOf(agent: BalancedAgent): Settings {
  return (agent as unknown as { settings: Settings }).settings;
}

/** undici's own options, for requests that evenkeel doesn't balance. undici's defaults apply to them. */
function plainOptions(
  options: BalancedAgentOptions,
  { client, connections, connectTimeout }: Settings,
): Agent.Options {
  return {
    ...client,
    ...(Number.isFinite(connections) ? { connections } : undefined),
    ...(options.connectTimeout != null ? { connectTimeout } : undefined),
  };
}
