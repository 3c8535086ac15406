import type { AgentOptions } from 'node:http';
import type { ConnectionOptions } from 'node:tls';
import { errors } from 'undici';
import { CLIENT_TABLE } from '../../config/client-options.ts';
import { nearest } from '../../config/nearest.ts';
import type { BalancingOptions } from '../../config/options.ts';
import { resolveSettings, withSystemDials } from '../../config/resolve-settings.ts';
import type { Settings } from '../../config/settings.ts';
import { TABLE } from '../../config/table.ts';

/** Options of Node's agents that make no sense if a pod is chosen for each request. */
type Refused =
  | 'lookup'
  | 'localPort'
  | 'path'
  | 'proxyEnv'
  | 'maxFreeSockets'
  | 'host'
  | 'port'
  | 'scheduling';

/** What `new BalancedHttpAgent(options)` takes: evenkeel's options, and those of Node's own agent. */
export interface BalancedHttpAgentOptions extends BalancingOptions, Omit<AgentOptions, Refused> {
  /**
   * Whether evenkeel keeps connections for later requests. Default `true` (for Node's own agents that you make, it is
   * `false`).
   */
  keepAlive?: boolean | undefined;
  /** Which idle connection a request gets: the one that was used last. evenkeel has no other order. */
  scheduling?: 'lifo' | undefined;
  /** Whether small writes are sent at once. Default `true`, as for Node's agents. */
  noDelay?: boolean | undefined;
  /** The address family that evenkeel dials, `4` or `6`. Default: one that this host has a route to. */
  family?: number | undefined;
  /** The local address from which evenkeel connects. */
  localAddress?: string | undefined;
  /** Whether evenkeel also tries an address of the other family if connecting takes long. Default `true`. */
  autoSelectFamily?: boolean | undefined;
}

/** What `new BalancedHttpsAgent(options)` takes: the options of `BalancedHttpAgent`, and those of TLS. */
export interface BalancedHttpsAgentOptions
  extends BalancedHttpAgentOptions,
    Omit<ConnectionOptions, Refused> {
  /**
   * `0`: each connection makes a new TLS session. Default: a connection resumes the session of an earlier one to the
   * same pod.
   */
  maxCachedSessions?: number;
}

const REFUSED: Record<string, string> = {
  lookup: 'use discovery instead',
  localPort: 'a port of its own can have one connection only',
  socketPath: 'there is nothing to balance',
  path: 'there is nothing to balance',
  host: 'the requests say it',
  port: 'the requests say it',
  proxyEnv: "use Node's own agent for proxies",
  maxFreeSockets: 'idle connections close by their age',
};

/** Options of Node's agents, of `net.connect` and of `tls.connect`. */
const OF_NODE = new Set([
  ...[
    'agentKeepAliveTimeoutBuffer',
    'keepAlive',
    'keepAliveMsecs',
    'maxSockets',
    'maxTotalSockets',
    'scheduling',
  ],
  ...['timeout', 'defaultPort', 'protocol', 'family', 'hints', 'localAddress', 'noDelay', 'autoSelectFamily'],
  ...[
    'autoSelectFamilyAttemptTimeout',
    'keepAliveInitialDelay',
    'highWaterMark',
    'blockList',
    'typeOfService',
  ],
  ...[
    'allowHalfOpen',
    'signal',
    'onread',
    'ALPNCallback',
    'ALPNProtocols',
    'SNICallback',
    'allowPartialTrustChain',
  ],
  ...['ca', 'cert', 'checkServerIdentity', 'ciphers', 'clientCertEngine', 'crl', 'dhparam', 'ecdhCurve'],
  ...['enableTrace', 'honorCipherOrder', 'key', 'maxCachedSessions', 'maxVersion', 'minDHSize', 'minVersion'],
  ...['passphrase', 'pfx', 'privateKeyEngine', 'privateKeyIdentifier', 'pskCallback', 'rejectUnauthorized'],
  ...['requestOCSP', 'secureContext', 'secureOptions', 'secureProtocol', 'servername', 'session'],
  ...['sessionIdContext', 'sigalgs', 'ticketKeys'],
]);

export interface SplitOptions {
  /** Node's own options. */
  readonly node: Record<string, unknown>;
  readonly own: BalancingOptions;
  readonly settings: Settings;
}

/**
 * Separates Node's options from evenkeel's.
 *
 * @throws undici's `InvalidArgumentError` if an option is unknown or isn't accepted
 */
export function splitOptions(options: BalancedHttpAgentOptions): SplitOptions {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new errors.InvalidArgumentError(`options must be an object, got ${String(options)}`);
  }
  const own: Record<string, unknown> = {};
  const node: Record<string, unknown> = { keepAlive: true };
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (Object.hasOwn(REFUSED, name)) {
      if (value === null || value === false) continue;
      throw new errors.InvalidArgumentError(`unsupported ${name}: ${REFUSED[name]}`);
    }
    if (name === 'scheduling' && value === 'fifo') {
      throw new errors.InvalidArgumentError(
        "unsupported scheduling 'fifo': what was used last is used first",
      );
    }
    if (OF_NODE.has(name)) node[name] = value;
    else if (Object.hasOwn(CLIENT_TABLE, name)) {
      throw new errors.InvalidArgumentError(`unsupported ${name}: it is an option of undici's`);
    } else if (Object.hasOwn(TABLE, name)) own[name] = value;
    else throw new errors.InvalidArgumentError(unknownOption(name));
  }
  return { node, own, settings: settingsOf(own, node) };
}

function unknownOption(name: string): string {
  const meant = nearest(name, [...Object.keys(TABLE), ...OF_NODE]);
  return `unknown option ${name}${meant === undefined ? '' : `; did you mean ${meant}?`}`;
}

/** The settings for evenkeel's options. Some of Node's options have an effect on them too. */
function settingsOf(own: BalancingOptions, node: Record<string, unknown>): Settings {
  const names = ['family', 'autoSelectFamily', 'localAddress'].filter((name) => node[name] !== undefined);
  const connect = Object.fromEntries(names.map((name) => [name, node[name]]));
  return withSystemDials(resolveSettings({ ...own, connect }), own);
}
