import type { BalancedAgentOptions } from '../../src/config/options.ts';

/** Options for services whose calls bring keys of their own: the policy that binds by key wants to be told of one. */
export function keyed(options: BalancedAgentOptions): BalancedAgentOptions {
  if (options.policy !== 'ring-hash') return options;
  return { ...options, ringHash: { header: 'x-key', ...options.ringHash } };
}
