import type { IncomingHttpHeaders } from 'node:http';
import type { RequestKey, RingHashSettings, Settings } from '../../config/settings.ts';
import type { Timer } from '../../core/base/clock.ts';
import type { Resolver } from '../../core/discovery/resolver.ts';
import { Service, type ServiceOwner } from '../../core/service.ts';
import { keyHash } from '../common/key-hash.ts';
import { LASTING, Running } from '../grpc/running.ts';
import type { ConnectTransport } from './connect-transport.ts';
import type { ConnectRequest, SessionCall } from './session-call.ts';

/** Milliseconds from one look at the running calls to the next. */
const LOOK = 1_000;

export interface ConnectServiceOptions {
  url: URL;
  settings: Settings;
  resolver: Resolver;
  transport: ConnectTransport;
  identity: string;
}

/** A service for calls of connect-node. */
export class ConnectService extends Service {
  readonly keepAlive: number;
  /** Whether it takes no more calls. */
  ended = false;
  readonly #transport: ConnectTransport;
  readonly #ringHash: RingHashSettings;
  readonly #running = new Running<SessionCall>();
  #look: Timer | undefined;

  constructor(options: ConnectServiceOptions, owner: ServiceOwner) {
    super({ ...options, key: options.url.origin }, owner);
    this.#transport = options.transport;
    this.keepAlive = options.transport.keepAlive;
    this.#ringHash = options.settings.ringHash;
  }

  /** The error with which the last session broke, if no session was made since. */
  get broken(): Error | undefined {
    return this.#transport.broken;
  }

  take(call: SessionCall, request?: ConnectRequest): void {
    if (this.bindsByKey && request !== undefined) {
      try {
        call.keyHash = this.#keyHashOf(request);
      } catch (error) {
        // An error of the user's function.
        call.fail(error as Error);
        return;
      }
    }
    this.dispatch(call, false);
  }

  #keyHashOf({ method, path, headers }: ConnectRequest): number {
    const { key, header } = this.#ringHash;
    const described: Parameters<RequestKey>[0] = {
      origin: this.url.origin,
      method: method as 'POST',
      path,
      headers: headers as IncomingHttpHeaders,
    };
    return keyHash(key?.(described) ?? (header === undefined ? undefined : headers[header]));
  }

  // Calls that last

  /** A call has its stream. */
  onSent(call: SessionCall): void {
    call.since = this.clock.now();
    this.#running.add(call);
    if (this.#look === undefined) this.#lookLater();
  }

  /** Its stream has closed. */
  onEnded(call: SessionCall): void {
    if (!call.streaming) this.#running.delete(call);
  }

  #lookLater(): void {
    this.#look = this.clock.schedule(() => this.#sweep(), LOOK);
  }

  /**
   * Counts long calls apart, so that they push no other call away. If a call has no answer yet, nobody knows what it
   * is.
   */
  #sweep(): void {
    const now = this.clock.now();
    const waiting: SessionCall[] = [];
    for (let call = this.#running.olderThan(now - LASTING); call !== undefined; ) {
      this.#running.delete(call);
      if (call.statusCode === 0) waiting.push(call);
      else this.calls.attempts.onStreaming(call, true);
      call = this.#running.olderThan(now - LASTING);
    }
    for (const call of waiting) {
      call.since = now;
      this.#running.add(call);
    }
    this.#look = undefined;
    if (this.#running.size > 0) this.#lookLater();
  }
}
