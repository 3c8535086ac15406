import { errors } from 'undici';
import { modeOfProcess } from '../../config/switches.ts';
import { GrpcBalancing } from './grpc-balancing.ts';
import { isGrpcJs } from './grpc-js.ts';
import { type GrpcOptions, grpcSettings } from './options.ts';

/**
 * Balances the calls of `@grpc/grpc-js`: those to `kube:///name.namespace:port`, and, of hosts that are managed (option
 * `hosts`), those to `dns:` targets and targets without a scheme. Channels that were made before stay as they are. Installing
 * again replaces what was installed, options and all. `EVENKEEL_DISABLED=1` has it do nothing.
 *
 * @param grpc the module: `import * as grpc from '@grpc/grpc-js'`, or its default export
 * @returns what is balanced: its `stats`, and a way back
 * @throws undici's `InvalidArgumentError` for a module that is not grpc-js, and for an option that is unknown or isn't accepted
 */
export function installGrpc(grpc: object, options: GrpcOptions = {}): GrpcBalancing {
  const module = exportsOf(grpc);
  const balancing = new GrpcBalancing(grpcSettings(options), options);
  if (modeOfProcess() === 'balance') balancing.take(module);
  return balancing;
}

/** The exports of grpc-js, which are the default one where it was imported. */
function exportsOf(given: unknown): object {
  const { default: exported } = (given ?? {}) as { default?: unknown };
  for (const module of [exported, given]) if (isGrpcJs(module)) return module as object;
  throw new errors.InvalidArgumentError(
    "installGrpc must be given the module of @grpc/grpc-js, as in import * as grpc from '@grpc/grpc-js'",
  );
}
