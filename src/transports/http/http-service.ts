import type { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import type { RequestKey, RingHashSettings, Settings } from '../../config/settings.ts';
import { hash } from '../../core/base/hash.ts';
import type { Call } from '../../core/calls/call.ts';
import type { Resolver } from '../../core/discovery/resolver.ts';
import { Service, type ServiceOwner } from '../../core/service.ts';
import type { DialSteps } from './dial-steps.ts';
import { HttpTransport } from './http-transport.ts';
import type { NodeRequest } from './node-http.ts';

export interface HttpServiceOptions {
  key: string;
  url: URL;
  /** The name for SNI and certificate checks; '' for an IP address. */
  servername: string;
  /** How its sockets are made. */
  connect: Readonly<Record<string, unknown>>;
  /** The agent that they are of, if they are of one. */
  agent?: EventEmitter | undefined;
  settings: Settings;
  resolver: Resolver;
  identity: string;
}

/** Milliseconds for which an idle connection lasts, where neither its peer nor an agent says anything else. */
const KEEP_ALIVE = 60_000;

/** A service that is called by way of node:http. */
export class HttpService extends Service {
  readonly secure: boolean;
  readonly dials: DialSteps;
  /** Whether what got no answer may be sent again at all. */
  readonly retries: boolean;
  /** It takes no more requests. */
  ended = false;
  /** Milliseconds for which the agents keep idle connections that it serves, of that which keeps them shortest; 0: none says. */
  #shortest = 0;
  readonly #ringHash: RingHashSettings;

  constructor(options: HttpServiceOptions, owner: ServiceOwner) {
    const { key, url, servername, connect, agent, settings, resolver, identity } = options;
    const { clock, connectTimeout, retry, ringHash } = settings;
    const transport = new HttpTransport({
      url,
      servername,
      connect,
      agent,
      connectTimeout,
      clock,
      keepAlive: KEEP_ALIVE,
    });
    super({ key, url, settings, resolver, transport, identity }, owner);
    this.secure = url.protocol === 'https:';
    this.dials = transport.dials;
    this.retries = retry !== false;
    this.#ringHash = ringHash;
  }

  /**
   * What the agents that share its connections say of how long those may idle, now that one of them has said `timeout`. Of several,
   * whichever is the most careful knows how long the server waits.
   */
  shortestOf(timeout: number): number {
    if (timeout > 0 && (this.#shortest === 0 || timeout < this.#shortest)) this.#shortest = timeout;
    return this.#shortest;
  }

  take(call: Call & { readonly request: NodeRequest }): void {
    if (this.bindsByKey) {
      try {
        call.keyHash = this.#keyHashOf(call.request);
      } catch (error) {
        // Of the user's function.
        call.fail(error as Error);
        return;
      }
    }
    this.dispatch(call, false);
  }

  #keyHashOf(request: NodeRequest): number {
    const { key, header } = this.#ringHash;
    const value =
      key?.(this.#describe(request)) ?? (header === undefined ? undefined : request.getHeader(header));
    const [first] = Array.isArray(value) ? value : [value];
    const text = first === undefined ? '' : String(first);
    // Those that say nothing have nothing in common: one pod would have them all.
    return text === '' ? -1 : hash(text);
  }

  /** As undici's `dispatch` would be given it. */
  #describe(request: NodeRequest): Parameters<RequestKey>[0] {
    const { method, path } = request;
    const headers = request.getHeaders() as IncomingHttpHeaders;
    return { origin: this.url.origin, method: method as 'GET', path, headers };
  }
}
