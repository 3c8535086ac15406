import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type * as GrpcJs from '@grpc/grpc-js';
import type { EndpointAddress } from '../../src/core/discovery/resolver.ts';
import type { OnStream } from './h2-pod.ts';
import { nextAddress } from './pods.ts';

const require = createRequire(import.meta.url);

/** The grpc-js that the tests are run with: another version's tests name it. */
export const GRPC_JS = process.env.TEST_GRPC_JS ?? '@grpc/grpc-js';
export const grpc = require(GRPC_JS) as typeof GrpcJs;

/** Versions before 1.13 take a server for connected before it has said a word. */
export const TRUSTS_SILENCE = /^grpc11[012]$/.test(GRPC_JS);

const { status, Server, ServerCredentials } = grpc;

const bytes = (value: Buffer): Buffer => value;
const coding = {
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
};
const method = (path: string, requestStream: boolean, responseStream: boolean) => ({
  path,
  requestStream,
  responseStream,
  ...coding,
});

/** A method of each kind; messages are plain bytes. */
export const ECHO = {
  unary: method('/test.Echo/Unary', false, false),
  serverStream: method('/test.Echo/ServerStream', false, true),
  clientStream: method('/test.Echo/ClientStream', true, false),
  bidi: method('/test.Echo/Bidi', true, true),
} satisfies GrpcJs.ServiceDefinition;

type UnaryCall = GrpcJs.ServerUnaryCall<Buffer, Buffer>;
type Reply = GrpcJs.sendUnaryData<Buffer>;

export interface GrpcPodOptions {
  address?: string;
  port?: number;
  /** Options of the server, such as `grpc.max_concurrent_streams`. */
  server?: GrpcJs.ServerOptions;
  credentials?: GrpcJs.ServerCredentials;
  /** Milliseconds until a unary call is answered. */
  delay?: number;
}

/** A gRPC server that stands for a pod. It answers with its address, unless told otherwise. */
export class GrpcPod {
  readonly address: string;
  port = 0;
  readonly server: GrpcJs.Server;
  delay: number;
  /** Calls that have come, of all kinds. */
  calls = 0;
  /** Those that it has not ended. */
  open = 0;
  /** Connections that it was called on. */
  readonly peers = new Set<string>();
  readonly #held: Reply[] = [];
  readonly #sockets = new Set<Socket>();
  /** The metadata of the last call. */
  metadata: GrpcJs.Metadata | undefined;
  /** The name in the `:authority` of the last call. */
  host = '';
  onUnary: (call: UnaryCall, reply: Reply) => void = (_call, reply) => {
    if (this.delay === 0) reply(null, Buffer.from(this.address));
    else setTimeout(reply, this.delay, null, Buffer.from(this.address));
  };

  constructor({ address = nextAddress(), server = {}, delay = 0 }: GrpcPodOptions) {
    this.address = address;
    this.delay = delay;
    // The server keeps its sockets to itself.
    subscribe('net.server.socket', this.#onSocket);
    this.server = new Server(server);
    this.server.addService(ECHO, {
      unary: (call: UnaryCall, reply: Reply) => {
        this.#count(call);
        const end: Reply = (...args) => {
          this.open--;
          reply(...args);
        };
        this.onUnary(call, end);
      },
      serverStream: (call: GrpcJs.ServerWritableStream<Buffer, Buffer>) => {
        this.#count(call);
        this.#closes(call);
        call.write(Buffer.from(this.address));
        // It goes on until its caller ends it, but for those that ask for one message.
        if (call.request.length > 0) call.end();
      },
      clientStream: (call: GrpcJs.ServerReadableStream<Buffer, Buffer>, reply: Reply) => {
        this.#count(call);
        let size = 0;
        call.on('data', (message: Buffer) => {
          size += message.length;
        });
        call.on('end', () => {
          this.open--;
          reply(null, Buffer.from(`${this.address} ${size}`));
        });
      },
      bidi: (call: GrpcJs.ServerDuplexStream<Buffer, Buffer>) => {
        this.#count(call);
        this.#closes(call);
        call.on('data', (message: Buffer) => call.write(message));
        call.on('end', () => call.end());
      },
    });
  }

  get endpoint(): EndpointAddress {
    return { address: this.address, port: this.port };
  }

  /** Keeps unary calls waiting until they are released. */
  hold(): void {
    this.onUnary = (_call, reply) => this.#held.push(reply);
  }

  release(): void {
    this.onUnary = (_call, reply) => reply(null, Buffer.from(this.address));
    for (const reply of this.#held.splice(0)) reply(null, Buffer.from(this.address));
  }

  /** Answers all calls with an error. */
  fail(code = status.UNAVAILABLE, metadata = new grpc.Metadata()): void {
    this.onUnary = (_call, reply) => reply({ code, details: 'as told', metadata });
  }

  async listen(port: number, credentials = ServerCredentials.createInsecure()): Promise<void> {
    this.port = await new Promise((resolve, reject) => {
      this.server.bindAsync(`${this.address}:${port}`, credentials, (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
  }

  /** As a process that is killed: its connections break, and nobody listens any more. */
  kill(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.server.forceShutdown();
    unsubscribe('net.server.socket', this.#onSocket);
  }

  /** Lets its calls end, and takes no more. */
  shutdown(): Promise<void> {
    return new Promise((resolve) => this.server.tryShutdown(() => resolve()));
  }

  readonly #onSocket = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    if (socket.localAddress !== this.address) return;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
  };

  #count(call: { metadata: GrpcJs.Metadata; getPeer(): string; getHost?(): string }): void {
    this.calls++;
    this.open++;
    this.metadata = call.metadata;
    this.peers.add(call.getPeer());
    this.host = call.getHost?.() ?? '';
  }

  #closes(call: NodeJS.EventEmitter): void {
    let ended = false;
    const end = () => {
      if (ended) return;
      ended = true;
      this.open--;
    };
    call.on('cancelled', end).on('finish', end).on('error', end);
  }
}

export async function startGrpcPod(t: TestContext, options: GrpcPodOptions = {}): Promise<GrpcPod> {
  const pod = new GrpcPod(options);
  await pod.listen(options.port ?? 0, options.credentials);
  t.after(() => pod.kill());
  return pod;
}

export function startGrpcPods(
  t: TestContext,
  count: number,
  options: GrpcPodOptions = {},
): Promise<GrpcPod[]> {
  return Promise.all(Array.from({ length: count }, () => startGrpcPod(t, options)));
}

/** What a pod of HTTP/2 does that answers a unary call, without grpc-js's server. */
export const answerOk: OnStream = (stream) => {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.alloc(5));
};
