import type { GrpcModule } from './grpc-module.ts';
import { listenAt, Pod } from './pod.ts';

const bytes = (value: Buffer): Buffer => value;
const NOTHING = Buffer.alloc(0);

/** The one method of the pods' service. Its messages are bytes as they are. */
export const GET = {
  path: '/demo.Orders/Get',
  requestStream: false,
  responseStream: false,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
} as const;

/** A pod that is called by gRPC. */
export class GrpcPod extends Pod {
  readonly address: string;
  readonly #server: GrpcModule.Server;
  #port = 0;

  private constructor(address: string, server: GrpcModule.Server) {
    super();
    this.address = address;
    this.#server = server;
    server.addService(
      { get: GET },
      {
        get: (_call: unknown, reply: GrpcModule.sendUnaryData<Buffer>) =>
          void this.work().then(() => reply(null, NOTHING)),
      },
    );
  }

  get port(): number {
    return this.#port;
  }

  static start({ Server, ServerCredentials }: typeof GrpcModule, address: string): Promise<GrpcPod> {
    return listenAt(address, (host) => {
      const server = new Server();
      const pod = new GrpcPod(host, server);
      return new Promise((resolve, reject) => {
        server.bindAsync(`${host}:0`, ServerCredentials.createInsecure(), (error, port) => {
          pod.#port = port;
          if (error === null) resolve(pod);
          else reject(error);
        });
      });
    });
  }

  stop(): void {
    this.#server.forceShutdown();
  }
}
