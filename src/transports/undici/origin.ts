import { isIP } from 'node:net';
import { errors } from 'undici';
import { headerOf } from '../common/header-of.ts';
import type { RequestOptions } from './request-options.ts';

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

/**
 * The name that a request asks TLS for, if not its URL's: the one it gives, as it is, or that of its Host header.
 *
 * @throws Node's error for a servername that is no string
 */
export function requestedName({ servername, headers }: RequestOptions): string | undefined {
  if (!servername) {
    const host = headerOf(headers, 'host');
    return host === undefined ? undefined : toServername(host) || undefined;
  }
  if (typeof servername === 'string') return servername;
  const error = new TypeError('The "name" argument must be of type string.');
  throw Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' });
}

/** The name to ask TLS for, and to check, given a host: '' for an IP address. */
export function toServername(host: string): string {
  const name = host.replace(/:\d*$/, '');
  return isIP(name.replace(/^\[|\]$/g, '')) === 0 ? name : '';
}
