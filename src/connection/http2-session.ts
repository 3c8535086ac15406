import type { ClientHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';

/** The description of the symbol by which undici's Client keeps its session on the socket. */
const SESSION = 'http2Session';

/**
 * The session that undici's Client has made of a socket. undici tells of it nowhere; without it, refused
 * streams and unanswered PINGs are dealt with as undici does.
 */
export function sessionOf(socket: Socket): ClientHttp2Session | undefined {
  const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === SESSION);
  return symbol && (socket as unknown as Record<symbol, ClientHttp2Session | undefined>)[symbol];
}
