import { isIP } from 'node:net';
import { errors } from 'undici';
import { withoutBrackets } from '../../core/base/without-brackets.ts';
import { headerOf } from '../common/header-of.ts';
import type { RequestOptions } from './request-options.ts';

/**
 * The URL of an origin, as undici accepts it: http or https, and nothing after the host.
 *
 * @throws what undici would throw; if it is no URL at all, `ERR_INVALID_URL`
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
 * The TLS name that a request asks for, if it isn't the name in the URL: its `servername` as it is, or the name in its
 * Host header.
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

/** The name for SNI and for the certificate check, of a host; '' for an IP address. */
export function toServername(host: string): string {
  const name = host.replace(/:\d*$/, '');
  return isIP(withoutBrackets(name)) === 0 ? name : '';
}
