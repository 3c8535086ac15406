import { once } from 'node:events';
import {
  createServer as createH2c,
  createSecureServer,
  type Http2Server,
  type ServerHttp2Session,
} from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { type Certificate, certificateFor } from '../support/certificate.ts';
import { H1Connection } from './h1-pod.ts';
import { H2Connection } from './h2-pod.ts';
import { Ledger } from './ledger.ts';
import type { Scenario } from './scenario.ts';

let certificate: Certificate | undefined;

/** The one of all pods of this process. */
export function theCertificate(): Certificate {
  certificate ??= certificateFor('DNS:pods.fuzz');
  return certificate;
}

let host = 0;

/** A loopback address of its own for each pod of this process, over and over. */
function nextAddress(): string {
  host = (host + 1) % (250 * 250);
  return `127.${1 + (process.pid % 250)}.${1 + Math.floor(host / 250)}.${1 + (host % 250)}`;
}

/** What tracers and connections are told apart by: the kernel may give one port to several addresses. */
const ports = new Set<number>();

/** The servers of one scenario, for one client. */
export class Pods {
  readonly ledger: Ledger;
  readonly addresses: string[] = [];
  port = 0;
  #ownsPort = false;
  readonly #scenario: Scenario;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.ledger = new Ledger(scenario);
  }

  static async start(scenario: Scenario): Promise<Pods> {
    for (let tries = 0; ; tries++) {
      const pods = new Pods(scenario);
      try {
        for (let n = 0; n < scenario.pods; n++) await pods.#listen(n);
        return pods;
      } catch (error) {
        pods.stop();
        // Somebody else may have the port at another address.
        if (tries === 20) throw error;
      }
    }
  }

  stop(): void {
    if (this.#ownsPort) ports.delete(this.port);
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #listen(pod: number): Promise<void> {
    if (this.#scenario.server.dead?.includes(pod)) {
      this.addresses.push(nextAddress());
      return;
    }
    const speak = this.#speaker(pod);
    let left = this.#scenario.server.deafAfter ?? Number.POSITIVE_INFINITY;
    const server = createServer(
      { allowHalfOpen: this.#scenario.protocol === 'h1', noDelay: true },
      (socket) => {
        if (--left === 0) server.close();
        this.#sockets.add(socket);
        socket.once('close', () => this.#sockets.delete(socket));
        speak(socket);
      },
    );
    this.#servers.push(server);
    const address = nextAddress();
    server.listen({ port: this.port, host: address, backlog: 4_096 });
    await once(server, 'listening');
    this.addresses.push(address);
    this.#takePort((server.address() as AddressInfo).port);
  }

  #takePort(port: number): void {
    this.port = port;
    if (this.#ownsPort) return;
    if (ports.has(port)) throw new Error(`${port} is taken by another scenario`);
    ports.add(port);
    this.#ownsPort = true;
  }

  #speaker(pod: number): (socket: Socket) => void {
    const { protocol, secure, server } = this.#scenario;
    if (protocol === 'h1' && secure) return this.#secureSpeaker(pod);
    if (protocol === 'h1') return (socket) => new H1Connection(socket, socket, pod, this.ledger, server);
    const settings = {
      ...(server.maxConcurrentStreams && { maxConcurrentStreams: server.maxConcurrentStreams }),
      ...(server.initialWindowSize !== undefined && { initialWindowSize: server.initialWindowSize }),
    };
    const tls = protocol === 'h2' ? { ...theCertificate(), ALPNProtocols: ['h2'] } : {};
    const h2 = (
      protocol === 'h2' ? createSecureServer({ ...tls, settings }) : createH2c({ settings })
    ) as Http2Server;
    // A session's own socket is a stand-in, or TLS: this is what can be broken.
    const raw = new Map<number, Socket>();
    h2.on('session', (session) => {
      const { remotePort } = session.socket;
      new H2Connection(session, raw.get(remotePort!)!, pod, this.ledger, server);
      if (server.initialWindowSize === 0) setTimeout(() => openWindow(session), 20);
    });
    for (const event of ['sessionError', 'error', 'tlsClientError']) h2.on(event, () => {});
    return this.#greeter((socket) => {
      raw.set(socket.remotePort!, socket);
      h2.emit('connection', socket);
    });
  }

  /** HTTP/1.1 over TLS. */
  #secureSpeaker(pod: number): (socket: Socket) => void {
    const server = { ...this.#scenario.server, slowAccept: 0 };
    const options = { isServer: true, secureContext: createSecureContext(theCertificate()) };
    return this.#greeter((raw) => {
      const socket = new TLSSocket(raw, options).on('error', () => {});
      socket.once('secure', () => new H1Connection(socket, raw, pod, this.ledger, server));
    });
  }

  /** Has a server speak on a connection, after a while. */
  #greeter(speak: (socket: Socket) => void): (socket: Socket) => void {
    const { slowAccept } = this.#scenario.server;
    const greet = (socket: Socket) => {
      if (!socket.destroyed) speak(socket);
    };
    return (socket) => {
      socket.on('error', () => {});
      if (slowAccept > 0) setTimeout(greet, slowAccept, socket);
      else greet(socket);
    };
  }
}

function openWindow(session: ServerHttp2Session): void {
  if (!session.destroyed) session.settings({ initialWindowSize: 65_535 });
}
