import { createRequire } from 'node:module';
import type * as GrpcJs from '@grpc/grpc-js';
import { type GrpcOptions, installGrpc } from '../../../src/grpc.ts';

const require = createRequire(import.meta.url);
const bytes = (value: Buffer): Buffer => value;
const EMPTY = Buffer.alloc(0);
/** What people write who know of it. */
const ROUND_ROBIN = { loadBalancingConfig: [{ round_robin: {} }] };

/** Calls once; resolves to the address of the pod that answered. */
export type Call = () => Promise<string>;

export interface GrpcClient {
  readonly call: Call;
  close(): void;
}

/** A copy of grpc-js of its own: what is installed into one is not into the others. */
function freshCopy(): typeof GrpcJs {
  for (const id of Object.keys(require.cache)) if (id.includes('@grpc/grpc-js')) delete require.cache[id];
  return require('@grpc/grpc-js') as typeof GrpcJs;
}

function clientOf(grpc: typeof GrpcJs, target: string, options: object): GrpcClient {
  const client = new grpc.Client(target, grpc.credentials.createInsecure(), options);
  return {
    call: () =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest('/bench.Echo/Unary', bytes, bytes, EMPTY, (error, answer) =>
          error === null ? resolve(`${answer}`) : reject(error),
        );
      }),
    close: () => client.close(),
  };
}

/** grpc-js by itself, with its own DNS resolver (asking that name server) and round_robin. */
export function stockClient(target: string, channel: object = {}): GrpcClient {
  return clientOf(freshCopy(), target, {
    'grpc.service_config': JSON.stringify({ ...ROUND_ROBIN, ...channel }),
  });
}

/** grpc-js with evenkeel. */
export function balancedClient(target: string, options: GrpcOptions, channel: object = {}): GrpcClient {
  const grpc = freshCopy();
  installGrpc(grpc, options);
  return clientOf(grpc, target, { 'grpc.service_config': JSON.stringify(channel) });
}
