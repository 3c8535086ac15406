import type { ServiceConfig } from './grpc-js.ts';

/** grpc-js's own policies. evenkeel takes their place. */
const REPLACED = ['pick_first', 'round_robin', 'weighted_round_robin', 'outlier_detection'];

/**
 * A service config, as grpc-js keeps it after its check (which it did when the channel was made): for example, a
 * timeout in words is a number there.
 */
export function normalizedConfig(text: unknown): ServiceConfig {
  const given = (typeof text === 'string' ? JSON.parse(text) : {}) as Partial<ServiceConfig>;
  const { methodConfig, retryThrottling } = given;
  const methods = Array.isArray(methodConfig) ? (methodConfig as { timeout?: unknown }[]) : [];
  return {
    loadBalancingConfig: [],
    methodConfig: methods.map((config) =>
      typeof config.timeout === 'string' ? { ...config, timeout: durationOf(config.timeout) } : config,
    ),
    ...(retryThrottling && { retryThrottling }),
  };
}

/**
 * Whether the user has chosen a policy that isn't one of grpc-js's own. There is a reason for it that evenkeel doesn't
 * know.
 */
export function hasPolicyOfItsOwn(text: unknown): boolean {
  if (typeof text !== 'string') return false;
  const { loadBalancingConfig } = JSON.parse(text) as Partial<ServiceConfig>;
  const chosen = Array.isArray(loadBalancingConfig) ? (loadBalancingConfig as object[]) : [];
  return chosen.some((each) => Object.keys(each).some((name) => !REPLACED.includes(name)));
}

function durationOf(text: string): { seconds: number; nanos: number } {
  const [seconds = '', nanos = '0'] = text.slice(0, -1).split('.');
  return { seconds: Number(seconds) | 0, nanos: Number(nanos) | 0 };
}
