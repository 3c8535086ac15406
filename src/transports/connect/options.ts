import type * as http2 from 'node:http2';
import { errors } from 'undici';
import { read, variableFor } from '../../config/env.ts';
import type { BalancedAgentOptions, BalancingOptions } from '../../config/options.ts';
import { resolveSettings } from '../../config/resolve-settings.ts';
import type { Settings } from '../../config/settings.ts';
import { environment } from '../../core/base/environment.ts';
import { RPC_OPTIONS } from '../common/rpc-options.ts';
import type { PingSettings } from './pings.ts';

/** The options of an agent that have a meaning for sessions of connect-node. */
const NAMES = [
  ...RPC_OPTIONS,
  'admin',
  'drainTimeout',
  'endpointTimeout',
  'identityHeader',
  'maxPendingRequests',
  'maxRequestsPerConnection',
  'maxRequestsPerEndpoint',
  'ringHash',
] as const;

/** connect-node's own options in milliseconds, with its defaults. */
const TIMES = {
  connectTimeoutMs: 20_000,
  idleConnectionTimeoutMs: 900_000,
  pingIntervalMs: Number.POSITIVE_INFINITY,
  pingTimeoutMs: 15_000,
} as const;

/** Options of Node for sessions that would all lead to one place. */
const REFUSED: Record<string, string> = {
  createConnection: 'there is nothing to balance',
  host: 'the base URL says it',
  lookup: 'use discovery instead',
  path: 'there is nothing to balance',
  port: 'the base URL says it',
  socket: 'there is nothing to balance',
};
const CONNECT_TIMEOUT = variableFor(['connectTimeout']);
/** Node's timers take no more. connect-node has no timer then. */
const LONGEST = 2 ** 31 - 1;

type SharedOptions = Pick<BalancedAgentOptions, (typeof NAMES)[number]>;

/**
 * What `balancedSessions(baseUrl, options)` takes. evenkeel's options have the same meaning, default and variable as
 * for an agent. The others are connect-node's options for HTTP/2: a transport ignores them if it has a session manager,
 * so give them here.
 */
export interface BalancedSessionsOptions extends SharedOptions {
  /**
   * Options for each session: TLS (`ca`, `cert`, `key`, …), `settings`, limits. The same as connect-node's
   * `nodeOptions`.
   */
  nodeOptions?: http2.ClientSessionOptions | http2.SecureClientSessionOptions;
  /** How long connecting may take, with TLS. In milliseconds; default 20,000, as in connect-node. */
  connectTimeoutMs?: number;
  /**
   * After how long a connection that carries nothing is closed. In milliseconds; default 15 minutes, as in
   * connect-node.
   */
  idleConnectionTimeoutMs?: number;
  /**
   * After how much silence a connection that carries something gets a PING. In milliseconds; by default there are no
   * PINGs, as in connect-node. evenkeel finds pods that have vanished without PINGs.
   */
  pingIntervalMs?: number;
  /** How long a PING may be unanswered. In milliseconds; default 15,000, as in connect-node. */
  pingTimeoutMs?: number;
  /** Whether connections that carry nothing get PINGs too. Default `false`. */
  pingIdleConnection?: boolean;
}

/** The settings. Session managers with the same settings share connections. */
export interface SessionSettings {
  readonly settings: Settings;
  readonly nodeOptions: http2.ClientSessionOptions | http2.SecureClientSessionOptions;
  readonly connectTimeoutMs: number;
  readonly idleConnectionTimeoutMs: number;
  readonly pings: PingSettings;
  /** evenkeel's own options, as they were given. */
  readonly own: BalancingOptions;
}

/**
 * Settings from options.
 *
 * @throws undici's `InvalidArgumentError` if an option is unknown or isn't accepted
 */
export function sessionSettings(options: BalancedSessionsOptions): SessionSettings {
  const { nodeOptions = {}, pingIdleConnection = false, ...rest } = options;
  const times = Object.fromEntries(
    Object.entries(TIMES).map(([name, fallback]) => [name, timeOf(options, name, fallback)]),
  ) as Record<keyof typeof TIMES, number>;
  const { connectTimeoutMs, idleConnectionTimeoutMs, pingIntervalMs, pingTimeoutMs } = times;
  if (typeof pingIdleConnection !== 'boolean') {
    throw new errors.InvalidArgumentError(`pingIdleConnection must be true or false`);
  }
  checkNodeOptions(nodeOptions);
  const own = Object.fromEntries(
    Object.entries(rest).filter(([name, value]) => !(name in TIMES) && value !== undefined),
  ) as BalancingOptions;
  return {
    settings: settingsOf(own, connectTimeoutMs, options.connectTimeoutMs !== undefined),
    nodeOptions: { ...nodeOptions },
    connectTimeoutMs,
    idleConnectionTimeoutMs: Math.min(idleConnectionTimeoutMs, LONGEST),
    pings: { pingIntervalMs, pingTimeoutMs, pingIdleConnection },
    own,
  };
}

/** The settings for evenkeel's options. Dials may take as long as connect-node's, unless a variable says something else. */
function settingsOf(own: BalancingOptions, connectTimeoutMs: number, isSet: boolean): Settings {
  const known: readonly string[] = NAMES;
  const odd = Object.keys(own).find((name) => !known.includes(name));
  const isVariable = !isSet && read(environment(), CONNECT_TIMEOUT) !== undefined;
  const connectTimeout = connectTimeoutMs > LONGEST ? 0 : Math.max(1, connectTimeoutMs);
  const settings = resolveSettings(isVariable || odd !== undefined ? own : { ...own, connectTimeout });
  if (odd !== undefined) {
    const hint = odd === 'connectTimeout' ? ', use connectTimeoutMs instead' : '';
    throw new errors.InvalidArgumentError(`balancedSessions takes no option ${odd}${hint}`);
  }
  return { ...settings, healthCheck: { ...settings.healthCheck, path: undefined } };
}

function timeOf(options: BalancedSessionsOptions, name: string, fallback: number): number {
  const value = (options as Record<string, unknown>)[name] ?? fallback;
  if (typeof value === 'number' && value >= 0) return value;
  throw new errors.InvalidArgumentError(`${name} must be a number of milliseconds, got ${String(value)}`);
}

function checkNodeOptions(given: unknown): void {
  if (typeof given !== 'object' || given === null) {
    throw new errors.InvalidArgumentError(`nodeOptions must be an object, got ${String(given)}`);
  }
  for (const [name, reason] of Object.entries(REFUSED)) {
    if ((given as Record<string, unknown>)[name] == null) continue;
    throw new errors.InvalidArgumentError(`unsupported nodeOptions.${name}: ${reason}`);
  }
}
