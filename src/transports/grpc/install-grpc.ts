import { errors } from 'undici';
import { modeOfProcess } from '../../config/switches.ts';
import { GrpcBalancing } from './grpc-balancing.ts';
import { isGrpcJs } from './grpc-js.ts';
import { type GrpcOptions, grpcSettings } from './options.ts';

/**
 * Balances the calls of `@grpc/grpc-js`: calls to `kube:///name.namespace:port`; and calls to `dns:` targets and
 * targets without a scheme, if their host is managed (option `hosts`). Channels that exist already don't change. A
 * second call replaces the first one, with its options. With `EVENKEEL_DISABLED=1`, it does nothing.
 *
 * @param grpc the module: `import * as grpc from '@grpc/grpc-js'`, or its default export
 * @returns an object with `stats` and `uninstall()`
 * @throws undici's `InvalidArgumentError` if the module is not grpc-js, or if an option is unknown or isn't accepted
 */
export function installGrpc(grpc: object, options: GrpcOptions = {}): GrpcBalancing {
  const module = exportsOf(grpc);
  const balancing = new GrpcBalancing(grpcSettings(options), options);
  if (modeOfProcess() === 'balance') balancing.take(module);
  return balancing;
}

/** The exports of grpc-js. An import may have them as its default export. */
function exportsOf(given: unknown): object {
  const { default: exported } = (given ?? {}) as { default?: unknown };
  for (const module of [exported, given]) if (isGrpcJs(module)) return module as object;
  throw new errors.InvalidArgumentError(
    "installGrpc must be given the module of @grpc/grpc-js, as in import * as grpc from '@grpc/grpc-js'",
  );
}
