import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { listenAt, Pod } from './pod.ts';

// Above what any demo takes, and advertised: no connection ends because it was idle.
const KEEP_ALIVE = 10 * 60_000;

/** A pod that is called by HTTP. */
export class HttpPod extends Pod {
  readonly address: string;
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server) {
    super();
    const { address, port } = server.address() as AddressInfo;
    this.address = address;
    this.port = port;
    this.#server = server;
    server.on('request', (_request, response) => void this.work().then(() => response.end('ok')));
  }

  static async start(address: string): Promise<HttpPod> {
    const server = createServer({ keepAliveTimeout: KEEP_ALIVE });
    await listenAt(address, async (host) => {
      server.listen(0, host);
      await once(server, 'listening');
    });
    return new HttpPod(server);
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
