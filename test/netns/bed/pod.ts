import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createH2cServer, createSecureServer, Http2ServerRequest } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { Server } from 'node:net';
import type { Certificate } from '../../support/certificate.ts';
import { acceptWebSocket } from './web-socket.ts';

export type Protocol = 'http' | 'https' | 'h2c' | 'h2';

export interface PodSpec {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** Milliseconds that each request takes. */
  readonly work: number;
  /** Milliseconds for which it keeps a connection of HTTP/1.1 that carries nothing. */
  readonly keepAlive: number;
  /** For `https` and `h2`. */
  readonly tls: Certificate;
}

/** What a pod has seen since it started. */
export interface PodCounts {
  requests: number;
  /** Connections that it accepted. */
  connections: number;
  /** Requests on the connection that carried the most. */
  mostOnOne: number;
  webSockets: { opened: number; closed: number };
}

/** A server that names itself in the body and in `x-pod-name`, and echoes what WebSockets say. */
export class Pod {
  readonly counts: PodCounts = {
    requests: 0,
    connections: 0,
    mostOnOne: 0,
    webSockets: { opened: 0, closed: 0 },
  };
  readonly #spec: PodSpec;
  /** Requests by connection. */
  readonly #carried = new WeakMap<object, number>();
  #server: Server | undefined;

  constructor(spec: PodSpec) {
    this.#spec = spec;
  }

  async listen(): Promise<void> {
    const server = this.#create();
    server.on('connection', () => this.counts.connections++);
    server.on('upgrade', (request, socket) => {
      acceptWebSocket(request, socket);
      this.counts.webSockets.opened++;
      socket.once('close', () => this.counts.webSockets.closed++);
    });
    this.#server = server;
    server.listen(this.#spec.port, this.#spec.address);
    await once(server, 'listening');
  }

  /** Takes no more connections, and ends each that it has when that has answered. */
  stop(): void {
    this.#server!.close();
  }

  #create(): Server {
    const { protocol, tls, keepAlive } = this.#spec;
    const answer = (request: unknown, response: unknown) =>
      this.#answer(request as IncomingMessage, response as ServerResponse);
    switch (protocol) {
      case 'http':
        return createHttpServer({ keepAliveTimeout: keepAlive }, answer);
      case 'https':
        return createHttpsServer({ ...tls, keepAliveTimeout: keepAlive }, answer);
      case 'h2c':
        return createH2cServer(answer);
      case 'h2':
        return createSecureServer(tls, answer);
    }
  }

  #answer(request: IncomingMessage | Http2ServerRequest, response: ServerResponse): void {
    const { name, work } = this.#spec;
    const connection = request instanceof Http2ServerRequest ? request.stream.session! : request.socket;
    const carried = (this.#carried.get(connection) ?? 0) + 1;
    this.#carried.set(connection, carried);
    this.counts.requests++;
    this.counts.mostOnOne = Math.max(this.counts.mostOnOne, carried);
    const finish = () => response.writeHead(200, { 'x-pod-name': name }).end(name);
    if (work > 0) setTimeout(finish, work);
    else finish();
  }
}
