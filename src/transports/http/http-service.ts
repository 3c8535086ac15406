import type { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import type { RequestKey, RingHashSettings, Settings } from '../../config/settings.ts';
import type { Call } from '../../core/calls/call.ts';
import type { Resolver } from '../../core/discovery/resolver.ts';
import { Service, type ServiceOwner } from '../../core/service.ts';
import { keyHash } from '../common/key-hash.ts';
import type { DialSteps } from './dial-steps.ts';
import { HttpTransport, type HttpTransportOptions } from './http-transport.ts';
import type { NodeRequest } from './node-http.ts';

export interface HttpServiceOptions {
  key: string;
  url: URL;
  /** The name for SNI and for the certificate check; '' for an IP address. */
  servername: string;
  /** The options for its sockets. */
  connect: Readonly<Record<string, unknown>>;
  /** The agent, if it shares its connections with no other. */
  agent?: EventEmitter | undefined;
  settings: Settings;
  resolver: Resolver;
  identity: string;
  /** Makes what dials; default: a transport with real sockets. */
  newTransport?: (options: HttpTransportOptions) => HttpTransport;
}

/** For how many milliseconds an idle connection lasts, if neither its peer nor an agent says anything else. */
const KEEP_ALIVE = 60_000;

/** A service for requests of node:http. */
export class HttpService extends Service {
  readonly secure: boolean;
  readonly dials: DialSteps;
  /** Whether a request without an answer may be sent again at all. */
  readonly retries: boolean;
  /** Whether it takes no more requests. */
  ended = false;
  /** The shortest `timeout` of the agents that share its connections, in milliseconds; 0: none has one. */
  #shortest = 0;
  readonly #ringHash: RingHashSettings;

  constructor(options: HttpServiceOptions, owner: ServiceOwner) {
    const { key, url, servername, connect, agent, settings, resolver, identity } = options;
    const { newTransport = (made) => new HttpTransport(made) } = options;
    const { clock, connectTimeout, retry, ringHash } = settings;
    const transport = newTransport({
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
   * For how many milliseconds the agents that share its connections let these idle, now that one of them has said
   * `timeout`. The shortest counts, because the most careful agent knows how long the server waits.
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
        // An error of the user's function.
        call.fail(error as Error);
        return;
      }
    }
    this.dispatch(call, false);
  }

  #keyHashOf(request: NodeRequest): number {
    const { key, header } = this.#ringHash;
    return keyHash(
      key?.(this.#describe(request)) ?? (header === undefined ? undefined : request.getHeader(header)),
    );
  }

  /** The options as undici's `dispatch` would get them. */
  #describe(request: NodeRequest): Parameters<RequestKey>[0] {
    const { method, path } = request;
    const headers = request.getHeaders() as IncomingHttpHeaders;
    return { origin: this.url.origin, method: method as 'GET', path, headers };
  }
}
