import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import type { Pod } from './pod.ts';

/** Stands for a ClusterIP: chooses a random pod for each connection, as kube-proxy does. */
export class ClusterIP {
  readonly origin: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, pods: readonly Pod[]) {
    const { address, port } = server.address() as AddressInfo;
    this.origin = `http://${address}:${port}`;
    this.#server = server;
    server.on('connection', (client) => {
      const { port, address } = pods[Math.floor(Math.random() * pods.length)]!;
      const pod = connect(port, address);
      for (const socket of [client, pod]) {
        this.#sockets.add(socket.setNoDelay());
        socket.once('close', () => this.#sockets.delete(socket));
      }
      // If one side ends, the other one ends too.
      pipeline(client, pod, client, () => {});
    });
  }

  static async start(pods: readonly Pod[]): Promise<ClusterIP> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ClusterIP(server, pods);
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
