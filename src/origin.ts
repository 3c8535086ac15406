import { isIP } from 'node:net';
import { errors } from 'undici';
import { headerOf } from './request/header-of.ts';
import type { RequestOptions } from './request/request-options.ts';

/**
 * The URL of an origin, as undici takes them: http or https, and nothing behind the host.
 *
 * @throws what undici would: of what is no URL at all, `ERR_INVALID_URL`
 */
export function parseOrigin(origin: string | URL): URL {
  const url = new URL(origin);
  if (!/^https?:/.test(url.origin || url.protocol)) {
    throw new errors.InvalidArgumentError(
      'Invalid URL protocol: the URL must start with `http:` or `https:`.',
    );
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new errors.InvalidArgumentError('invalid url');
  }
  return url;
}

/** The name that a request asks TLS for, if not its URL's: undici takes that of a Host header. */
export function requestedName({ servername, headers }: RequestOptions): string | undefined {
  return servername || headerOf(headers, 'host');
}

/** The name to ask TLS for, and to check, given a host: '' for an IP address. */
export function toServername(host: string): string {
  const name = host.replace(/:\d*$/, '');
  return isIP(name.replace(/^\[|\]$/g, '')) === 0 ? name : '';
}
