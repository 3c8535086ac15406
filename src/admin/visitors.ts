import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { withoutBrackets } from '../core/base/without-brackets.ts';
import { isLoopback } from '../core/discovery/addresses.ts';

/** Why a request is refused: a status, and a sentence for the sender. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
}

/**
 * Whether a request must be refused. The page is for those who may open a port of this pod, not for web pages in their
 * browsers: the name of an attacker may lead to this address (DNS rebinding). So the page answers only if the Host is
 * an address, `localhost`, or the name that it listens on.
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
  return url === null ? undefined : withoutBrackets(url.hostname);
}
