import { isIP } from 'node:net';
import { ResolverError } from '../base/errors.ts';
import type { EndpointAddress, Resolution } from './resolver.ts';

/** Returns `value` if it is a resolution. @throws ResolverError that says what is wrong with it */
export function checked(value: unknown): Resolution {
  if (value === null || typeof value !== 'object') throw invalid(value);
  if ('error' in value) {
    if (value.error instanceof Error) return value as Resolution;
    throw invalid(value);
  }
  const { endpoints, onUnreachable } = value as { endpoints?: unknown; onUnreachable?: unknown };
  if (onUnreachable !== undefined && onUnreachable !== null && typeof onUnreachable !== 'function') {
    throw invalid({ onUnreachable }, 'a function');
  }
  if (!Array.isArray(endpoints)) throw invalid(value);
  const fault = faultIn(endpoints);
  if (fault !== undefined) throw invalid(fault.endpoint, fault.expected);
  return value as Resolution;
}

/** The first item of a list that isn't an endpoint, and what is expected instead. */
export function faultIn(
  endpoints: readonly unknown[],
): { readonly endpoint: unknown; readonly expected: string } | undefined {
  for (const endpoint of endpoints) {
    const { address, port, weight } = (endpoint ?? {}) as Partial<Record<keyof EndpointAddress, unknown>>;
    if (typeof address !== 'string' || isIP(address) === 0) return { endpoint, expected: 'an IP address' };
    if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65_535) {
      return { endpoint, expected: 'a port from 1 to 65535' };
    }
    if (weight !== undefined && !((weight as number) >= 0 && Number.isFinite(weight))) {
      return { endpoint, expected: 'a weight of 0 or more' };
    }
  }
  return undefined;
}

function invalid(
  value: unknown,
  expected = '{ endpoints: [{ address, port }], source } or { error }',
): ResolverError {
  return new ResolverError(`the resolver yielded ${described(value)}; expected ${expected}`);
}

export function described(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
