import { channel } from 'node:diagnostics_channel';
import { isIP, Socket } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { buildConnector, type Client } from 'undici';
import type { Endpoint } from './endpoint.ts';

type DialCallback = (error: Error | null, socket: Socket | undefined) => void;

/** A dial under way. */
export interface Dial {
  /** Gives it up: the callback isn't called. */
  abandon(): void;
}

export interface DialerOptions {
  url: URL;
  /** The name for SNI and certificate checks; '' for an IP address. */
  servername: string;
  client: Client.Options;
  connectTimeout: number;
}

// Connectors that undici calls publish this; those it doesn't know of would be missed by tracers.
const connectError = channel('undici:client:connectError');

/** Dials endpoints, with the name of the service in all that TLS sees. */
export class Dialer {
  readonly #options: DialerOptions;
  readonly #connectors = new WeakMap<Endpoint, buildConnector.connector>();

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  /** `callback` is called once, later, unless the dial is given up. */
  dial(endpoint: Endpoint, callback: DialCallback): Dial {
    const { url, servername, client } = this.#options;
    const { address, port } = endpoint.info;
    const params = {
      hostname: address,
      host: url.host,
      protocol: url.protocol,
      port: String(port),
      ...(url.protocol === 'https:' && servername !== '' ? { servername } : undefined),
      localAddress: client.localAddress ?? null,
    };
    let over = false;
    const done: buildConnector.Callback = (error, socket) => {
      if (over) {
        socket?.destroy();
        return;
      }
      over = true;
      if (error !== null && connectError.hasSubscribers) {
        connectError.publish({ connectParams: params, connector: this, error });
      }
      callback(error, socket ?? undefined);
    };
    const socket = this.#start(endpoint, params as buildConnector.Options, done);
    socket?.on('session', (session: Buffer) => {
      endpoint.tlsSession = session;
    });
    return {
      abandon() {
        over = true;
        socket?.destroy();
      },
    };
  }

  #start(
    endpoint: Endpoint,
    params: buildConnector.Options,
    done: buildConnector.Callback,
  ): Socket | undefined {
    try {
      // The types say void, yet undici's own connector returns the socket.
      const started: unknown = this.#connectorOf(endpoint)(params, done);
      return started instanceof Socket ? started : undefined;
    } catch (error) {
      queueMicrotask(() => done(error as Error, null));
      return undefined;
    }
  }

  /** One for each endpoint: pods don't share the keys of their TLS tickets, and undici's cache goes by name. */
  #connectorOf(endpoint: Endpoint): buildConnector.connector {
    let connector = this.#connectors.get(endpoint);
    if (connector === undefined) {
      connector = this.#build(endpoint);
      this.#connectors.set(endpoint, connector);
    }
    return connector;
  }

  #build(endpoint: Endpoint): buildConnector.connector {
    const { url, client, connectTimeout } = this.#options;
    const { connect, allowH2, h2Options, maxCachedSessions } = client;
    if (typeof connect === 'function') return connect;
    return buildConnector({
      ...(client as { tls?: object }).tls,
      ...(maxCachedSessions !== undefined ? { maxCachedSessions } : undefined),
      ...(allowH2 !== undefined ? { allowH2 } : undefined),
      ...{ useH2c: h2Options?.useH2c ?? (client as { useH2c?: boolean }).useH2c ?? false },
      timeout: connectTimeout,
      // One address, which is known: nothing to select.
      autoSelectFamily: false,
      ...identityCheck(url, endpoint),
      ...connect,
    } as buildConnector.BuildOptions);
  }
}

/** Where the service itself is named by an IP address, its certificate is checked against that one, not the dialled. */
function identityCheck(url: URL, endpoint: Endpoint): object | undefined {
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  if (url.protocol !== 'https:' || isIP(hostname) === 0 || hostname === endpoint.info.address)
    return undefined;
  return {
    checkServerIdentity: (_dialled: string, certificate: Parameters<typeof checkServerIdentity>[1]) =>
      checkServerIdentity(hostname, certificate),
  };
}
