import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as GrpcModule from '@grpc/grpc-js';
import { type GrpcJs, grpcJsOf } from '../../transports/grpc/grpc-js.ts';

export type { GrpcModule };

/** The grpc-js that there is here: the app's, or the one that lies beside evenkeel. */
export interface GrpcCopy {
  readonly module: typeof GrpcModule;
  /** What is experimental in it. */
  readonly experimental: GrpcJs;
}

/**
 * @param places paths of files that would find it beside them, or above
 * @throws what to do where there is none
 */
export function findGrpc(places = [join(process.cwd(), 'package.json'), import.meta.url]): GrpcCopy {
  for (const place of places) {
    const require = createRequire(place);
    const module = attempt(() => require('@grpc/grpc-js') as typeof GrpcModule);
    if (module === undefined) continue;
    const experimental = grpcJsOf(module);
    if (experimental !== undefined) return { module, experimental };
    throw new Error('--grpc needs @grpc/grpc-js 1.10 to 1.14, and another version is installed here');
  }
  throw new Error('--grpc needs @grpc/grpc-js: npm install @grpc/grpc-js');
}

function attempt<T>(fn: () => T): T | undefined {
  try {
    return fn();
  } catch {
    return undefined;
  }
}
