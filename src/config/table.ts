import { isIP } from 'node:net';
import type { PickerFactory } from '../core/balancing/picker.ts';
import { type Clock, systemClock } from '../core/base/clock.ts';
import { IDENTITY_HEADER } from '../core/base/identity-header.ts';
import { RETRY_REASONS, type RetryReason } from '../core/calls/settings.ts';
import type { Resolver } from '../core/discovery/resolver.ts';
import type { FailureKind } from '../core/health/settings.ts';
import {
  asNumber,
  boolean,
  duration,
  either,
  functionOf,
  integer,
  type Kind,
  list,
  number,
  oneOf,
  text,
} from './kinds.ts';
import type { RequestKey, Settings } from './settings.ts';

/** The cache of services reserves its memory at the start. */
const MOST_ORIGINS = 65_536;

/** An option: which values it accepts, and its default. */
export interface Option<T> extends Kind<T> {
  readonly fallback: T;
}

/** Marks nested options that `false` switches off together. */
export const SWITCH: unique symbol = Symbol('switch');

/** The options for settings. Nested settings have nested options. */
export type Table<S> = { readonly [Name in keyof S]: Option<S[Name]> | Table<Exclude<S[Name], false>> };

/** All options of evenkeel's own. The type, the variable and the checks of each option follow from its line here. */
export const TABLE: Table<Omit<Settings, 'client' | 'comparesFamilies' | 'newsTimeout'>> = {
  maxConnectionDuration: option(duration(), undefined),
  connectionDurationJitter: option(number({ max: 1 }), 0.25),
  maxRequestsPerConnection: option(integer({}), 0),
  drainTimeout: option(duration(), 0),
  connectTimeout: option(orDefault(duration(), 10_000), 10_000),
  connections: option(connections(), Number.POSITIVE_INFINITY),
  spread: option(spread(), 'auto'),
  identityHeader: option(identityHeader(), IDENTITY_HEADER),
  maxSpread: option(integer({ min: 1 }), 64),
  policy: option(
    either(
      oneOf('least-request', 'round-robin', 'peak-ewma', 'ring-hash'),
      functionOf<PickerFactory>('a PickerFactory'),
    ),
    'least-request',
  ),
  peakEwma: {
    decay: option(duration(1), 10_000),
    seed: option(duration(1), 30),
  },
  ringHash: {
    header: option(headerName(), undefined),
    key: option(functionOf<RequestKey>('a function of the request that returns a string'), undefined),
    balanceFactor: option(balanceFactor(), 1.25),
  },
  discovery: option(
    either(
      oneOf('auto', 'kubernetes', 'dns'),
      functionOf<Resolver>('a Resolver, such as staticResolver makes'),
    ),
    'auto',
  ),
  hosts: option(list("globs like '*.svc.cluster.local' or '!*.example.com'", isGlob), undefined),
  http: option(boolean(), true),
  grpc: option(boolean(), true),
  mesh: option(oneOf('auto', 'ignore'), 'auto'),
  locality: option(oneOf('off', 'zone', 'node'), 'off'),
  subset: {
    size: option(integer({}), 0),
    index: option(integer({}), undefined),
  },
  dns: {
    servers: option(list('IP addresses, each with a port or without', isServer), undefined),
    minTtl: option(duration(1), 1_000),
    maxTtl: option(duration(1), 30_000),
    family: option(oneOf<'auto' | 4 | 6>('auto', 4, 6), 'auto'),
    negativeHold: option(duration(), 30_000),
  },
  kubernetes: {
    kubeconfig: option(text(), undefined),
    namespace: option(text(), undefined),
    clusterDomain: option(text(), undefined),
    zone: option(text(), undefined),
    nodeName: option(text(), undefined),
  },
  maxRequestsPerEndpoint: option(integer({}), 0),
  retry: switchable({
    attempts: option(integer({}), 2),
    budget: option(number({ max: 1 }), 0.2),
    minRetriesPerSecond: option(number({}), 1),
    reasons: option(
      list("'refused', 'reset' and 'unresponsive'", isRetryReason) as Kind<readonly RetryReason[]>,
      RETRY_REASONS,
    ),
  }),
  slowStart: {
    window: option(duration(), 0),
    minWeight: option(number({ min: 0.01, max: 1 }), 0.1),
  },
  outlierDetection: switchable({
    consecutiveFailures: option(integer({ min: 1 }), 5),
    successRateInterval: option(duration(1), 10_000),
    successRateMinimumHosts: option(integer({ min: 1 }), 5),
    successRateRequestVolume: option(integer({ min: 1 }), 100),
    successRateStdevFactor: option(number({}), 1.9),
    enforcingSuccessRate: option(number({ max: 100 }), 100),
    baseEjectionTime: option(duration(1), 30_000),
    maxEjectionTime: option(duration(1), 300_000),
    maxEjectionPercent: option(number({ max: 100 }), 30),
    panicThreshold: option(number({ max: 100 }), 50),
    failures: option(
      list("'reset', 'connect', 'timeout' and statuses like '503'", isFailureKind) as Kind<
        readonly FailureKind[]
      >,
      ['502', '503', '504', 'reset', 'connect', 'timeout'],
    ),
  }),
  healthCheck: {
    path: option(path(), undefined),
    expectedStatus: option(integer({ min: 200, max: 599 }), undefined),
    interval: option(duration(1), 10_000),
    timeout: option(duration(1), 2_000),
    healthyThreshold: option(integer({ min: 1 }), 2),
    unhealthyThreshold: option(integer({ min: 1 }), 3),
  },
  maxPendingRequests: option(maxPendingRequests(), Number.POSITIVE_INFINITY),
  endpointTimeout: option(duration(1), 5_000),
  maxOrigins: option(maxOrigins(), 1024),
  originIdleTimeout: option(duration(1), 300_000),
  admin: option(adminAddress(), undefined),
  clock: option(clock(), systemClock),
  random: option(functionOf<() => number>('a function that returns numbers from 0 to below 1'), Math.random),
};

function option<T, F extends T | undefined>(kind: Kind<T>, fallback: F): Option<T | F> {
  return { ...kind, fallback };
}

function switchable<T extends object>(entries: T): T {
  return { ...entries, [SWITCH]: true };
}

function balanceFactor(): Kind<number> {
  const { parse } = number({ min: 1 });
  return {
    ...number({}),
    accepts: 'a number above 1; 0 for no bound',
    parse: (value) => (value === 0 ? 0 : value === 1 ? undefined : parse(value)),
  };
}

function spread(): Kind<number | 'auto'> {
  const slots = integer({ min: 1 });
  return {
    accepts: `'auto', or ${slots.accepts}`,
    parse: (value) => (value === 'auto' ? value : slots.parse(value)),
    fromText: (text) => (text === 'auto' ? text : asNumber(text)),
  };
}

function headerName(): Kind<string> {
  return {
    ...text(),
    accepts: "the name of a header, such as 'x-pod-name'",
    parse: (value) =>
      typeof value === 'string' && /^[\w!#$%&'*+.^`|~-]+$/.test(value) ? value.toLowerCase() : undefined,
  };
}

function identityHeader(): Kind<string | false> {
  const header = headerName();
  return {
    accepts: `${header.accepts}, or false`,
    parse: (value) => (value === false ? value : header.parse(value)),
    fromText: (name) => name !== 'false' && name,
  };
}

function path(): Kind<string> {
  return {
    ...text(),
    accepts: "a path, such as '/healthz'",
    // The paths that undici accepts.
    parse: (value) => (typeof value === 'string' && /^\/[\x21-\x7e]*$/.test(value) ? value : undefined),
  };
}

// As in undici, null and 0 mean no limit.
function connections(): Kind<number> {
  return {
    ...integer({}),
    accepts: 'an integer, 1 or more; 0 or null for no limit',
    parse: (value) => (value === null || value === 0 ? Number.POSITIVE_INFINITY : integer({}).parse(value)),
  };
}

function maxPendingRequests(): Kind<number> {
  const { accepts, parse } = integer({ min: 1 });
  return {
    ...integer({}),
    accepts: `${accepts}; Infinity for no limit`,
    parse: (value) => (value === Number.POSITIVE_INFINITY ? value : parse(value)),
  };
}

// As in undici, null means the default.
function orDefault<T>(kind: Kind<T>, fallback: T): Kind<T> {
  return { ...kind, parse: (value) => (value === null ? fallback : kind.parse(value)) };
}

function maxOrigins(): Kind<number> {
  const { accepts, parse } = integer({ min: 1, max: MOST_ORIGINS });
  return {
    ...integer({}),
    accepts: `${accepts}, or Infinity, which is the same as the latter`,
    parse: (value) => parse(value === Number.POSITIVE_INFINITY ? MOST_ORIGINS : value),
  };
}

/** The address of the live page. A port alone means loopback, which only this host reaches. */
function adminAddress(): Kind<string | false> {
  return {
    accepts: "a port, '<host>:<port>', or false",
    parse(value) {
      if (value === false) return false;
      if (typeof value !== 'number' && typeof value !== 'string') return undefined;
      const [, host = '127.0.0.1', port] =
        /^(?:([\w.-]+|\[[0-9a-f:.]+\]):)?(\d+)$/i.exec(String(value)) ?? [];
      return isPort(port) ? `${host}:${Number(port)}` : undefined;
    },
    fromText: (text) => (['false', '0'].includes(text) ? false : text),
  };
}

function clock(): Kind<Clock> {
  return {
    accepts: 'a Clock: an object with the methods now() and schedule()',
    parse(value) {
      const { now, schedule } = (value ?? {}) as Partial<Clock>;
      return typeof now === 'function' && typeof schedule === 'function' ? (value as Clock) : undefined;
    },
  };
}

function isGlob(item: string): boolean {
  // Names and IPv6 addresses. A pattern with a port or a scheme would never match.
  return /^!?[\w.*-]+$/.test(item) || /^!?[0-9a-f.*]*:[0-9a-f.*]*:[0-9a-f.:*]*$/i.test(item);
}

function isServer(item: string): boolean {
  const [, ip4, bracketed, port = '53'] = /^(?:([\d.]+)|\[(.+)\])(?::(\d{1,5}))?$/.exec(item) ?? [];
  return isIP(ip4 ?? bracketed ?? item) !== 0 && isPort(port);
}

function isPort(text: string | undefined): boolean {
  return Number(text) >= 1 && Number(text) <= 65_535;
}

function isFailureKind(item: string): boolean {
  return /^(reset|connect|timeout|[45]\d\d)$/.test(item);
}

function isRetryReason(item: string): boolean {
  return RETRY_REASONS.some((reason) => reason === item);
}
