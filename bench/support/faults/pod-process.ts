// One pod, in a process of its own.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { serve } from '../../../test/netns/bed/peer.ts';
import { type Behaviour, HEALTH_PATH, HEALTHY, type PodSpec } from './behaviour.ts';

let name = '';
let spec: PodSpec;
let behaviour = HEALTHY;
let requests = 0;
let closing = false;
/** Answers that are kept back. */
let held: (() => void)[] = [];
/** Whether a request is on them. */
const sockets = new Map<Socket, boolean>();
const server = createServer(answer);
server.keepAliveTimeout = 0;
server.on('connection', (socket) => {
  sockets.set(socket, false);
  socket.on('close', () => sockets.delete(socket));
});
// Where this machine is slow, a request may have come in time that hasn't been read yet.
server.on('timeout', (socket) => setImmediate(closeIfIdle, socket));

const methods = {
  async start(given: PodSpec): Promise<void> {
    spec = given;
    name = spec.name;
    await listen();
  },

  behave(next: Behaviour): void {
    behaviour = next;
    const answers = held;
    held = [];
    for (const each of answers) each();
  },

  /** Takes no connections any more, and finishes with those there are: as a process does on SIGTERM. */
  async leave(): Promise<void> {
    closing = true;
    for (const [socket, busy] of sockets) if (!busy) socket.end();
    server.close();
    await once(server, 'close');
  },

  /** Takes connections again. */
  async listen(): Promise<void> {
    closing = false;
    await listen();
  },

  /** Requests so far, except for health checks. */
  requests: () => requests,
};

export type PodMethods = typeof methods;

serve(methods);

async function listen(): Promise<void> {
  server.listen(spec.port, spec.address);
  await once(server, 'listening');
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  socket.setTimeout(0);
  sockets.set(socket, true);
  response.once('close', () => onIdle(socket));
  request.resume();
  const isCheck = request.url === HEALTH_PATH;
  if (!isCheck) requests++;
  if (behaviour.answers === '503' || (isCheck && !behaviour.ready)) respond(response, 503);
  else if (isCheck) finish(response);
  else setTimeout(finish, behaviour.work, response);
}

function finish(response: ServerResponse): void {
  if (behaviour.answers === 'never') held.push(() => finish(response));
  else respond(response, 200);
}

function respond(response: ServerResponse, status: number): void {
  // Named by hand, the connection comes without a Keep-Alive header.
  const connection = closing ? 'close' : 'keep-alive';
  response.writeHead(status, { 'x-pod': name, connection }).end(name);
}

function onIdle(socket: Socket): void {
  if (!sockets.has(socket)) return;
  sockets.set(socket, false);
  if (behaviour.idleTimeout > 0) socket.setTimeout(behaviour.idleTimeout);
}

function closeIfIdle(socket: Socket): void {
  if (sockets.get(socket) === false) socket.destroy();
}
