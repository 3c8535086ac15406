import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';

/** Milliseconds of work in a request. */
const WORK = 5;
// Above what any demo takes, and advertised: no connection ends because it was idle.
const KEEP_ALIVE = 10 * 60_000;

/** A local server that stands for a pod. Like a small one, it works on one request at a time. */
export class Pod {
  readonly address: string;
  readonly port: number;
  /** How many it has answered. */
  requests = 0;
  readonly #server: Server;
  #work: Promise<unknown> = Promise.resolve();

  private constructor(server: Server) {
    const { address, port } = server.address() as AddressInfo;
    this.address = address;
    this.port = port;
    this.#server = server;
    server.on('request', (_request, response) => {
      this.#work = this.#work
        .then(() => setTimeout(WORK))
        .then(() => {
          this.requests++;
          response.end('ok');
        });
    });
  }

  static async start(address: string): Promise<Pod> {
    const server = createServer({ keepAliveTimeout: KEEP_ALIVE });
    server.listen(0, address);
    try {
      await once(server, 'listening');
    } catch (error) {
      // Of the loopback addresses, macOS has the first one only; there a port tells pods apart.
      if ((error as NodeJS.ErrnoException).code !== 'EADDRNOTAVAIL') throw error;
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    return new Pod(server);
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
