import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { isLoopback } from '../core/discovery/addresses.ts';

/** Why a request is not answered: a status, and a sentence for whoever sent it. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
}

/**
 * Finds fault with a request. What the page shows is for whoever may open a port of this pod, and not for the web pages that
 * such a person has open: a name of an attacker's may lead to this address (DNS rebinding), so that the page answers only to
 * addresses, `localhost`, and the name that it listens to.
 */
export function refusalOf(request: IncomingMessage, listensTo: string): Refusal | undefined {
  if (request.method !== 'GET') return { status: 405, message: 'GET is all that there is here' };
  const peer = request.socket.remoteAddress ?? '';
  if (isLoopbackHost(listensTo) && !isLoopback(peer.replace(/^::ffff:/, ''))) {
    return { status: 403, message: 'this is for peers on the same host' };
  }
  const host = hostIn(request.headers.host);
  if (host === undefined || !(isIP(host) !== 0 || host === 'localhost' || host === listensTo.toLowerCase())) {
    return { status: 403, message: 'the Host of the request is foreign here' };
  }
  const { 'sec-fetch-site': site = 'none', 'sec-fetch-mode': mode } = request.headers;
  const isOwn = site === 'none' || site === 'same-origin';
  if (!isOwn && mode !== 'navigate') return { status: 403, message: 'this is not for other pages' };
  return undefined;
}

function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || isLoopback(host);
}

/** The name or address in a Host header, in lower case. */
function hostIn(header: string | undefined): string | undefined {
  const url = header === undefined || /[/?#@\\]/.test(header) ? null : URL.parse(`http://${header}`);
  return url?.hostname.replace(/^\[|\]$/g, '');
}
