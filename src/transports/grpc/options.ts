import { errors } from 'undici';
import type { RingHashOptions } from '../../config/choice-options.ts';
import type { BalancedAgentOptions } from '../../config/options.ts';
import { resolveSettings } from '../../config/resolve-settings.ts';
import type { Settings } from '../../config/settings.ts';
import { RPC_OPTIONS } from '../common/rpc-options.ts';
import { isMetadataKey } from './metadata-key.ts';

type SharedOptions = Pick<BalancedAgentOptions, (typeof RPC_OPTIONS)[number]>;

/**
 * What `installGrpc(grpc, options)` takes. Each option has the same meaning, default and variable as for an agent, with
 * calls in place of requests, and the HTTP status that means the same as a gRPC status.
 */
export interface GrpcOptions extends SharedOptions {
  /** Where the policy `'ring-hash'` finds the key of a call: `header` is the name of its metadata. */
  ringHash?: Omit<RingHashOptions, 'key'>;
}

/**
 * Settings from options.
 *
 * @throws undici's `InvalidArgumentError` if an option is unknown or isn't accepted
 */
export function grpcSettings(options: GrpcOptions): Settings {
  const known: readonly string[] = [...RPC_OPTIONS, 'ringHash'];
  const settings = resolveSettings(options);
  const odd = Object.keys(options).find((name) => !known.includes(name));
  if (odd !== undefined) throw new errors.InvalidArgumentError(`installGrpc takes no option ${odd}`);
  if ((options.ringHash as RingHashOptions | undefined)?.key !== undefined) {
    throw new errors.InvalidArgumentError(
      'installGrpc takes no option ringHash.key, use ringHash.header instead',
    );
  }
  const { header } = settings.ringHash;
  if (header !== undefined && !isMetadataKey(header)) {
    throw new errors.InvalidArgumentError(
      `ringHash.header must be a name of metadata: letters, digits, '-', '_' and '.', got '${header}'`,
    );
  }
  return settings;
}
