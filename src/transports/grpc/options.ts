import { errors } from 'undici';
import type { RingHashOptions } from '../../config/choice-options.ts';
import type { BalancedAgentOptions } from '../../config/options.ts';
import { resolveSettings } from '../../config/resolve-settings.ts';
import type { Settings } from '../../config/settings.ts';
import { RPC_OPTIONS } from '../common/rpc-options.ts';
import { isMetadataKey } from './metadata-key.ts';

type SharedOptions = Pick<BalancedAgentOptions, (typeof RPC_OPTIONS)[number]>;

/**
 * What `installGrpc(grpc, options)` takes. Each option means what it means to an agent, and has the same default and
 * variable; a request is a call here, and a status of HTTP the one of gRPC that means the same.
 */
export interface GrpcOptions extends SharedOptions {
  /** What the policy `'ring-hash'` takes for the key of a call: `header` is the name of its metadata. */
  ringHash?: Omit<RingHashOptions, 'key'>;
}

/**
 * Settings from options.
 *
 * @throws undici's `InvalidArgumentError` for an option that is unknown or isn't accepted
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
