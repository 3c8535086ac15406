import { subscribe } from 'node:diagnostics_channel';
import type { Server as HttpServer } from 'node:http';
import type { Http2SecureServer, Http2Server } from 'node:http2';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { nameHttp1Response, type Response } from './http1-response.ts';
import { nameHttp2Sessions } from './http2-sessions.ts';
import { isNear } from './peers.ts';

export type IdentifiedServer = HttpServer | HttpsServer | Http2Server | Http2SecureServer;

/** HTTP/1.1 sockets whose first response was handled. */
const begun = new WeakSet<object>();
/** Servers that are identified, and their HTTP/2 sessions. */
const servers = new WeakSet<object>();
const sessions = new WeakSet<object>();
let isEverywhere = false;
let isListening = false;

/**
 * Lets a server of `node:http`, `node:https` or `node:http2` name its pod: from now on, the first response of each new
 * connection has the header `evenkeel-pod`, with a random name that is the same for the life of this process. Clients with
 * evenkeel then balance by pod, even through a ClusterIP. Only peers with private or loopback addresses get the header. If
 * a response of yours already has it, evenkeel doesn't change it. A second call changes nothing.
 */
export function identify(server: IdentifiedServer): void {
  if (servers.has(server)) return;
  servers.add(server);
  (server as Http2Server).on('session', (session) => sessions.add(session));
  listen();
}

/** The same for all servers of this thread. */
export function identifyAll(): void {
  isEverywhere = true;
  listen();
}

function listen(): void {
  if (isListening) return;
  isListening = true;
  subscribe('http.server.request.start', (message) => {
    const { socket, server, response } = message as { socket: Socket; server: object; response: Response };
    if (begun.has(socket) || !(isEverywhere || servers.has(server))) return;
    begun.add(socket);
    if (isNear(socket.remoteAddress)) nameHttp1Response(response);
  });
  nameHttp2Sessions((session) => isEverywhere || sessions.has(session));
}
