import { once } from 'node:events';
import type { TestContext } from 'node:test';
import type * as GrpcJs from '@grpc/grpc-js';
import { type GrpcBalancing, type GrpcOptions, installGrpc, type ServiceStats } from '../../src/grpc.ts';
import { countAnswers } from './answers.ts';
import { ECHO, grpc } from './grpc-pod.ts';
import { type Addressed, ManualResolver } from './manual-resolver.ts';

const { credentials, makeGenericClientConstructor, Metadata } = grpc;

/** Where nothing else is said, tests call this, whatever there is by that name. */
export const TARGET = 'kube:///orders.prod:50051';
export const ORIGIN = 'grpc://orders.prod.svc:50051';

export interface CallOptions extends GrpcJs.CallOptions {
  metadata?: Record<string, string>;
  waitForReady?: boolean;
}

/** A stub for `ECHO`. */
export class EchoClient {
  readonly stub: GrpcJs.Client;

  constructor(
    target: string = TARGET,
    options: Partial<GrpcJs.ClientOptions> = {},
    creds: GrpcJs.ChannelCredentials = credentials.createInsecure(),
  ) {
    const Stub = makeGenericClientConstructor(ECHO, 'Echo');
    this.stub = new Stub(target, creds, options);
  }

  /** Calls once; resolves to what was answered: the address of a pod. */
  call({ metadata = {}, waitForReady = false, ...options }: CallOptions = {}): Promise<string> {
    const sent = metadataOf(metadata);
    sent.setOptions({ waitForReady });
    return new Promise((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = ECHO.unary;
      this.stub.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        Buffer.alloc(0),
        sent,
        options,
        (error, answer) => (error === null ? resolve(`${answer}`) : reject(error)),
      );
    });
  }

  /** Calls so many times, `width` at a time. Resolves to how often each pod answered. */
  calls(count: number, width = 1, options: CallOptions = {}): Promise<Map<string, number>> {
    return countAnswers(() => this.call(options), count, width);
  }

  /** Opens a stream of messages from a pod, which has sent the first. */
  async stream(): Promise<GrpcJs.ClientReadableStream<Buffer> & { from: string }> {
    const { path, requestSerialize, responseDeserialize } = ECHO.serverStream;
    const stream = this.stub.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      Buffer.alloc(0),
    );
    stream.on('error', () => {});
    const [first] = await once(stream, 'data');
    return Object.assign(stream, { from: `${first}` });
  }

  /** Opens a stream of messages both ways. */
  bidi({ waitForReady = false } = {}): GrpcJs.ClientDuplexStream<Buffer, Buffer> {
    const { path, requestSerialize, responseDeserialize } = ECHO.bidi;
    const metadata = new Metadata();
    metadata.setOptions({ waitForReady });
    return this.stub.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
  }

  /** Sends messages, and resolves to the answer. */
  upload(messages: readonly string[]): Promise<string> {
    const { path, requestSerialize, responseDeserialize } = ECHO.clientStream;
    return new Promise((resolve, reject) => {
      const call = this.stub.makeClientStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        (error: GrpcJs.ServiceError | null, answer?: Buffer) =>
          error === null ? resolve(`${answer}`) : reject(error),
      );
      for (const message of messages) call.write(Buffer.from(message));
      call.end();
    });
  }

  close(): void {
    this.stub.close();
  }
}

function metadataOf(values: Record<string, string>): GrpcJs.Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(values)) metadata.set(name, value);
  return metadata;
}

export interface Balanced {
  readonly balancing: GrpcBalancing;
  readonly resolver: ManualResolver;
  readonly client: EchoClient;
  /** Another channel to the same target. */
  another(target?: string, options?: Partial<GrpcJs.ClientOptions>): EchoClient;
  stats(): ServiceStats;
}

/** Balances the calls of the tests' grpc-js over these pods, and makes a channel. */
export function startBalanced(
  t: TestContext,
  pods: readonly Addressed[],
  options: GrpcOptions = {},
  channel: Partial<GrpcJs.ClientOptions> = {},
): Balanced {
  const resolver = new ManualResolver(pods);
  const balancing = installGrpc(grpc, { discovery: resolver.resolve, ...options });
  t.after(() => balancing.uninstall());
  const another = (target = TARGET, more: Partial<GrpcJs.ClientOptions> = channel) => {
    const client = new EchoClient(target, more);
    t.after(() => client.close());
    return client;
  };
  return {
    balancing,
    resolver,
    client: another(),
    another,
    stats: () => balancing.stats[ORIGIN]!,
  };
}

/** How evenly counts are spread: 1 is evenly. */
export function jain(counts: readonly number[]): number {
  const sum = counts.reduce((total, count) => total + count, 0);
  const squares = counts.reduce((total, count) => total + count ** 2, 0);
  return sum ** 2 / (counts.length * squares);
}
