import { Client, type Dispatcher } from 'undici';
import type { Settings } from '../../config/settings.ts';
import { identityHeaderIn } from '../../core/base/identity-header.ts';
import type { EndpointAddress } from '../../core/discovery/resolver.ts';
import { Dialer } from '../../transports/undici/dialer.ts';
import { keepAliveOf } from '../../transports/undici/keep-alive.ts';
import { toServername } from '../../transports/undici/origin.ts';
import type { ResponseSeen } from './examination.ts';

export type DialSeen = { readonly took: number } | { readonly error: Error };

const RESPONSE_TIMEOUT = 5_000;

/** Dials one endpoint as an agent does. In all that TLS sees, the name is that of the service. */
export function dial(url: URL, info: EndpointAddress, settings: Settings): Promise<DialSeen> {
  const begun = performance.now();
  return new Promise((resolve) => {
    dialerFor(url, settings).dial({ info }, (error, socket) => {
      const took = performance.now() - begun;
      socket?.on('error', () => {}).destroy();
      resolve(error === null ? { took } : { error });
    });
  });
}

/** Sends a HEAD request to one endpoint. The headers of the response say how long the server keeps a connection. */
export async function ask(
  url: URL,
  path: string,
  info: EndpointAddress,
  settings: Settings,
): Promise<ResponseSeen> {
  const dialer = dialerFor(url, settings);
  const client = new Client(url.origin, {
    ...settings.client,
    headersTimeout: RESPONSE_TIMEOUT,
    connect: (_options, callback) => {
      dialer.dial({ info }, (error, socket) =>
        error === null ? callback(null, socket!) : callback(error, null),
      );
    },
  });
  try {
    const { statusCode, headers, body } = await client.request({
      method: 'HEAD',
      // Otherwise undici asks the server to close the connection after a HEAD request, and the server would say that it
      // does.
      reset: false,
      path,
    });
    await body.dump();
    return {
      error: undefined,
      status: statusCode,
      location: targetOf(url, path, statusCode, headers.location),
      ...keepAliveIn(headers, settings),
      identity: identityIn(headers, settings),
    };
  } catch (error) {
    return {
      error: error as Error,
      status: 0,
      location: undefined,
      keepAlive: undefined,
      closes: false,
      kept: 0,
      identity: undefined,
    };
  } finally {
    void client.destroy();
  }
}

function targetOf(url: URL, path: string, status: number, location: unknown): string | undefined {
  if (status < 300 || status > 399 || typeof location !== 'string') return undefined;
  const target = URL.parse(location, `${url.origin}${path}`);
  if (target === null) return undefined;
  Object.assign(target, { username: '', password: '', search: '', hash: '' });
  return target.href;
}

function keepAliveIn(headers: Dispatcher.ResponseData['headers'], { client }: Settings) {
  const [, seconds] = /\btimeout=(\d+)/i.exec(String(headers['keep-alive'] ?? '')) ?? [];
  return {
    keepAlive: seconds === undefined ? undefined : Number(seconds),
    closes: /\bclose\b/i.test(String(headers.connection ?? '')),
    kept: keepAliveOf(headers as Record<string, string | string[] | undefined>, client),
  };
}

function identityIn(headers: Dispatcher.ResponseData['headers'], settings: Settings): string | undefined {
  const header = identityHeaderIn(settings);
  if (header === false) return undefined;
  return [headers[header]].flat()[0] || undefined;
}

function dialerFor(url: URL, { client, connectTimeout }: Settings): Dialer {
  return new Dialer({ url, servername: toServername(url.hostname), client, connectTimeout });
}
