import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { create, createFileRegistry, type DescService } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, file_google_protobuf_wrappers } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import type { EndpointAddress } from '../../src/core/discovery/resolver.ts';
import type { Certificate } from './certificate.ts';
import { nextAddress } from './pods.ts';

/** A message of one text. */
export interface Text {
  readonly value: string;
}

const TEXT = '.google.protobuf.StringValue';
const kind = (name: string, clientStreaming: boolean, serverStreaming: boolean) => ({
  name,
  inputType: TEXT,
  outputType: TEXT,
  clientStreaming,
  serverStreaming,
});

/** A method of each kind; messages are texts. */
export const ECHO: DescService = createFileRegistry(
  create(FileDescriptorProtoSchema, {
    name: 'echo.proto',
    package: 'test',
    syntax: 'proto3',
    dependency: ['google/protobuf/wrappers.proto'],
    service: [
      {
        name: 'Echo',
        method: [
          kind('Unary', false, false),
          // As the documentation calls it.
          kind('Find', false, false),
          kind('ServerStream', false, true),
          kind('ClientStream', true, false),
          kind('Bidi', true, true),
        ],
      },
    ],
  }),
  (path) => (path === 'google/protobuf/wrappers.proto' ? file_google_protobuf_wrappers.proto : undefined),
).getService('test.Echo')!;

export interface ConnectPodOptions {
  address?: string;
  port?: number;
  settings?: http2.Settings;
  certificate?: Certificate;
  /** It speaks HTTP/1.1 instead. */
  http1?: boolean;
  /** Milliseconds until a unary call is answered. */
  delay?: number;
}

/** A server of connect-node's that stands for a pod: it speaks gRPC, gRPC-Web and Connect, and answers with its address. */
export class ConnectPod {
  readonly address: string;
  port = 0;
  delay: number;
  /** Calls that have come, of all kinds, and those that it has not ended. */
  calls = 0;
  open = 0;
  readonly sessions: http2.ServerHttp2Session[] = [];
  readonly server: http.Server | http2.Http2Server;
  /** The `:authority`, and the headers, of the last call. */
  authority = '';
  headers = new Headers();
  onUnary: (text: Text, context: HandlerContext) => Promise<Text> = async () => {
    if (this.delay > 0) await new Promise((resolve) => setTimeout(resolve, this.delay));
    return { value: this.address };
  };
  #held = Promise.withResolvers<void>();
  readonly #sockets = new Set<Socket>();

  constructor({
    address = nextAddress(),
    settings = {},
    certificate,
    http1 = false,
    delay = 0,
  }: ConnectPodOptions) {
    this.address = address;
    this.delay = delay;
    const unary = (text: Text, context: HandlerContext) =>
      this.#run(context, () => this.onUnary(text, context));
    const echo = {
      unary,
      find: unary,
      serverStream: (text: Text, context: HandlerContext) => this.#serve(text, context),
      clientStream: (texts: AsyncIterable<Text>, context: HandlerContext) =>
        this.#run(context, () => this.#take(texts)),
      bidi: (texts: AsyncIterable<Text>, context: HandlerContext) => this.#echo(texts, context),
    };
    // No generated code has types for it.
    const handle = connectNodeAdapter({
      routes: (router) => router.service(ECHO, echo as object),
    });
    this.server = http1 ? http.createServer(handle) : this.#http2Server(handle, settings, certificate);
    this.server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
    });
  }

  #http2Server(
    handle: ReturnType<typeof connectNodeAdapter>,
    settings: http2.Settings,
    certificate: Certificate | undefined,
  ): http2.Http2Server {
    const onRequest = (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => {
      this.authority = request.authority;
      handle(request, response);
    };
    const server =
      certificate === undefined
        ? http2.createServer({ settings }, onRequest)
        : http2.createSecureServer({ settings, ...certificate }, onRequest);
    return server.on('session', (session) => {
      this.sessions.push(session);
      session.on('error', () => {});
    });
  }

  get endpoint(): EndpointAddress {
    return { address: this.address, port: this.port };
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#sockets.size;
  }

  async listen(port: number): Promise<void> {
    this.server.listen(port, this.address);
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  /** Keeps unary calls waiting until they are released. */
  hold(): void {
    this.onUnary = async () => {
      await this.#held.promise;
      return { value: this.address };
    };
  }

  release(): void {
    this.#held.resolve();
    this.#held = Promise.withResolvers();
    this.onUnary = async () => ({ value: this.address });
  }

  /** Answers unary calls with an error. */
  fail(code = Code.Unavailable): void {
    this.onUnary = () => Promise.reject(new ConnectError('as told', code));
  }

  /** As a process that is killed: its connections break, and nobody listens any more. */
  kill(): void {
    this.server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async #run(context: HandlerContext, answer: () => Promise<Text>): Promise<Text> {
    this.#begin(context);
    try {
      return await answer();
    } finally {
      this.open--;
    }
  }

  #begin(context: HandlerContext): void {
    this.calls++;
    this.open++;
    this.headers = context.requestHeader;
  }

  /** Its address, and then nothing until its caller ends it; but for those that ask for so many messages. */
  async *#serve({ value }: Text, context: HandlerContext): AsyncGenerator<Text> {
    this.#begin(context);
    try {
      for (let n = 0; n < (Number(value) || 1); n++) yield { value: this.address };
      if (value !== '') return;
      await new Promise((resolve) => context.signal.addEventListener('abort', resolve, { once: true }));
    } finally {
      this.open--;
    }
  }

  async #take(texts: AsyncIterable<Text>): Promise<Text> {
    let size = 0;
    for await (const { value } of texts) size += value.length;
    return { value: `${this.address} ${size}` };
  }

  async *#echo(texts: AsyncIterable<Text>, context: HandlerContext): AsyncGenerator<Text> {
    this.#begin(context);
    try {
      for await (const text of texts) yield text;
    } finally {
      this.open--;
    }
  }
}

export async function startConnectPod(t: TestContext, options: ConnectPodOptions = {}): Promise<ConnectPod> {
  const pod = new ConnectPod(options);
  await pod.listen(options.port ?? 0);
  t.after(() => pod.kill());
  return pod;
}

export function startConnectPods(
  t: TestContext,
  count: number,
  options: ConnectPodOptions = {},
): Promise<ConnectPod[]> {
  return Promise.all(Array.from({ length: count }, () => startConnectPod(t, options)));
}
