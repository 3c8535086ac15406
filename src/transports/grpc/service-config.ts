import type { ServiceConfig } from './grpc-js.ts';

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

function durationOf(text: string): { seconds: number; nanos: number } {
  const [seconds = '', nanos = '0'] = text.slice(0, -1).split('.');
  return { seconds: Number(seconds) | 0, nanos: Number(nanos) | 0 };
}
