import type { ServiceConfig } from './grpc-js.ts';

/** grpc-js's own policies, whose place ours takes. */
const REPLACED = ['pick_first', 'round_robin', 'weighted_round_robin', 'outlier_detection'];

/**
 * A service configuration that grpc-js has checked, which it did when the channel was made, as it keeps it then: a timeout
 * in words is one in numbers, by its own reckoning.
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

/** Whether somebody has chosen a policy that is none of grpc-js's own: it is there for a reason that we don't know. */
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
