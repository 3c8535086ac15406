import { isIP } from 'node:net';
import { type Dispatcher, errors } from 'undici';
import { headerOf } from './request/header-of.ts';

/** The URL of an origin, as undici takes them: http or https, and nothing behind the host. */
export function parseOrigin(origin: string | URL): URL {
  let url: URL;
  try {
    url = new URL(origin);
  } catch (cause) {
    throw Object.assign(new errors.InvalidArgumentError(`invalid url: ${origin}`), { cause });
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new errors.InvalidArgumentError(
      'Invalid URL protocol: the URL must start with `http:` or `https:`.',
    );
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new errors.InvalidArgumentError(`invalid url: ${origin}`);
  }
  return url;
}

/** The name that a request asks TLS for, if not its URL's: undici takes that of a Host header. */
export function requestedName(options: Dispatcher.DispatchOptions): string | undefined {
  const { servername } = options as { servername?: string | null };
  return servername || headerOf(options.headers, 'host');
}

/** The name to ask TLS for, and to check, given a host: '' for an IP address. */
export function toServername(host: string): string {
  const name = host.replace(/:\d*$/, '');
  return isIP(name.replace(/^\[|\]$/g, '')) === 0 ? name : '';
}
