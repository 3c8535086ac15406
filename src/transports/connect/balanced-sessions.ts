import type * as http2 from 'node:http2';
import { errors } from 'undici';
import { modeOfProcess } from '../../config/switches.ts';
import type { ServiceStats } from '../../telemetry/stats.ts';
import { ConnectCall } from './connect-call.ts';
import { cancellation, connectErrorOf, findConnect, isCancellation } from './connect-error.ts';
import type { ConnectService } from './connect-service.ts';
import { nodeReason } from './node-reason.ts';
import { Opening } from './opening.ts';
import { type BalancedSessionsOptions, type SessionSettings, sessionSettings } from './options.ts';
import { type ConnectServices, sharedServicesFor } from './services.ts';
import { type SessionState, type StockSessions, stockSessions } from './stock-sessions.ts';

type Headers = http2.OutgoingHttpHeaders;
type Stream = http2.ClientHttp2Stream;

/**
 * Makes sessions for a transport of connect-node: one for each pod, and each call takes the best one. Give the result
 * to the transport as `sessionManager`.
 *
 * @param baseUrl the base URL of the transport
 * @throws undici's `InvalidArgumentError` if the URL isn't one, or if an option is unknown or isn't accepted
 */
export function balancedSessions(
  baseUrl: string | URL,
  options: BalancedSessionsOptions = {},
): BalancedSessions {
  const url = URL.parse(String(baseUrl));
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new errors.InvalidArgumentError(
      `balancedSessions must be given a URL such as 'http://orders.prod:50051', got '${baseUrl}'`,
    );
  }
  return new BalancedSessions(url.origin, sessionSettings(options));
}

/** A session manager, in place of connect-node's own `Http2SessionManager`. It has everything that this one has. */
export class BalancedSessions {
  /** The origin of the base URL, which connect-node compares with that of each call. */
  readonly authority: string;
  readonly #settings: SessionSettings;
  readonly #services: ConnectServices;
  /** Whether the switches of the process leave all calls to connect-node. */
  readonly #isOff = modeOfProcess() !== 'balance';
  /** Calls of this manager that have not ended. */
  readonly #calls = new Set<ConnectCall>();
  /** Streams that connect-node's own manager has opened. */
  readonly #foreign = new Set<Stream>();
  #stock: Promise<StockSessions | undefined> | undefined;
  #stockNow: StockSessions | undefined;
  /** The reason given to `abort`, if no call has come since. */
  #aborted: Error | undefined;
  #closing: Promise<void> | undefined;
  #onDone: (() => void) | undefined;

  /** @param authority an origin */
  constructor(authority: string, settings: SessionSettings) {
    this.authority = authority;
    this.#settings = settings;
    this.#services = sharedServicesFor(settings);
    this.#services.join();
    void findConnect();
  }

  /** What evenkeel knows about the pods, for all session managers that share them. Empty before the first call. */
  get stats(): Record<string, ServiceStats> {
    const { [this.authority]: own } = this.#services.stats;
    return own === undefined ? {} : { [this.authority]: own };
  }

  /** Opens a stream for a call, on the session that is best for it. */
  request(
    method: string,
    path: string,
    headers: Headers,
    options: http2.ClientSessionRequestOptions = {},
  ): Promise<Stream> {
    if (this.#closing !== undefined) return Promise.reject(cancellation('the sessions are closed'));
    this.#aborted = undefined;
    if (this.#isOff || this.#services.verdictOn(this.authority).name !== 'managed') {
      return this.#requestElsewhere(method, path, headers, options);
    }
    return this.#request(method, path, headers, options);
  }

  #request(
    method: string,
    path: string,
    headers: Headers,
    options: http2.ClientSessionRequestOptions,
  ): Promise<Stream> {
    const service = this.#services.of(this.authority);
    return new Promise((resolve, reject) => {
      const request = { method, path, headers, options };
      const call = new ConnectCall(request, service, {
        resolve,
        reject: (error) => reject(nodeReason(error)),
        done: this.#onCallDone,
      });
      this.#calls.add(call);
      service.take(call, request);
    });
  }

  /** The host isn't balanced, or that isn't known yet. */
  async #requestElsewhere(...request: Parameters<StockSessions['request']>): Promise<Stream> {
    const stock = await this.#stockIfForeign();
    if (this.#closing !== undefined) throw cancellation('the sessions are closed');
    if (stock === undefined) return this.#request(...request);
    const stream = await stock.request(...request);
    this.#foreign.add(stream);
    stream.once('close', () => {
      this.#foreign.delete(stream);
      this.#closeIfDone();
    });
    return stream;
  }

  async #stockIfForeign(): Promise<StockSessions | undefined> {
    if (!this.#isOff) {
      const verdict = this.#services.verdictOn(this.authority);
      const { name } = verdict.name === 'pending' ? await verdict.settled : verdict;
      if (name === 'managed') return undefined;
    }
    this.#stock ??= stockSessions(this.authority, this.#settings);
    this.#stockNow = await this.#stock;
    return this.#stockNow;
  }

  readonly #onCallDone = (call: ConnectCall): void => {
    this.#calls.delete(call);
    if (this.#closing !== undefined) this.#closeIfDone();
  };

  /** connect-node has read something. evenkeel needs no such hint. */
  notifyResponseByteRead(stream: Stream): void {
    this.#stockNow?.notifyResponseByteRead(stream);
  }

  /**
   * `open`: calls of this manager are under way. `idle`: there are none, and there is a connection. `connecting`: there
   * is no connection, and one is being made. `error`: no connection can be made, the last one broke, or `abort` was
   * called with a reason. `closed`: there is no connection, or `abort` was called. It is never `verifying`.
   */
  state(): SessionState {
    if (this.#stockNow !== undefined) return this.#stockNow.state();
    const service = this.#service;
    if (this.#aborted !== undefined) return isCancellation(this.#aborted) ? 'closed' : 'error';
    for (const { isOpen } of this.#calls) if (isOpen) return 'open';
    if (this.#calls.size === 0 && service?.pool.set.isConnected) return 'idle';
    if (this.#calls.size > 0 || (service?.pool.dials.fresh ?? 0) > 0) return 'connecting';
    return this.#failure === undefined ? 'closed' : 'error';
  }

  /** Why the state is `error`, if it is. */
  error(): unknown {
    if (this.#stockNow !== undefined) return this.#stockNow.error();
    if (this.state() !== 'error') return undefined;
    return this.#aborted ?? (this.#failure && connectErrorOf(this.#failure));
  }

  get #service(): ConnectService | undefined {
    return this.#services.find(this.authority);
  }

  get #failure(): Error | undefined {
    const service = this.#service;
    if (service === undefined) return undefined;
    return (
      service.pool.dials.lastFailure ??
      service.broken ??
      (service.discovery.isKnown ? undefined : (service.discovery.error ?? undefined))
    );
  }

  /** Connects, if there is no connection yet. Returns the state after that. */
  async connect(): Promise<'open' | 'idle' | 'error'> {
    if (this.#closing !== undefined) return 'error';
    this.#aborted = undefined;
    const stock = await this.#stockIfForeign();
    if (stock !== undefined) return stock.connect();
    const service = this.#services.of(this.authority);
    const failed = await new Promise((resolve) => service.take(new Opening(service, resolve)));
    if (failed !== undefined) return 'error';
    return this.#calls.size > 0 ? 'open' : 'idle';
  }

  /** Ends the calls of this manager. Keeps its connections, which others may share. */
  abort(reason?: Error): void {
    const error = reason ?? cancellation('connection aborted');
    this.#stockNow?.abort(reason);
    this.#aborted = error;
    for (const call of [...this.#calls]) call.abort(error);
  }

  /**
   * Takes no more calls, waits for those that it has taken, and closes the connections that no other session manager
   * shares.
   */
  close(): Promise<void> {
    if (this.#closing === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onDone = resolve;
      this.#closing = promise.then(() => {
        this.#stockNow?.abort();
        return this.#services.leave();
      });
      this.#closeIfDone();
    }
    return this.#closing;
  }

  #closeIfDone(): void {
    if (this.#calls.size + this.#foreign.size === 0) this.#onDone?.();
  }
}
