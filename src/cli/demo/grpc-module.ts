import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as GrpcModule from '@grpc/grpc-js';
import { type GrpcJs, grpcJsOf } from '../../transports/grpc/grpc-js.ts';

export type { GrpcModule };

/** The grpc-js that is installed: the app's, or one beside evenkeel. */
export interface GrpcCopy {
  readonly module: typeof GrpcModule;
  /** Its experimental parts. */
  readonly experimental: GrpcJs;
}

/**
 * @param places paths of files beside or below which grpc-js may be installed
 * @throws an error that says what to do if it isn't installed
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
