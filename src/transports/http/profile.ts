import { identityOf } from '../common/identity-of.ts';
import type { NodeAgent, RequestOptions } from './node-http.ts';
import { isRefused } from './refused.ts';

/** Options of an agent that don't change how a socket is made. */
const OF_POOLS = new Set([
  'agentKeepAliveTimeoutBuffer',
  'defaultPort',
  'family',
  'host',
  'hostname',
  'keepAlive',
  'keepAliveMsecs',
  'maxFreeSockets',
  'maxSockets',
  'maxTotalSockets',
  'path',
  'port',
  'protocol',
  'proxyEnv',
  'scheduling',
  'servername',
  'timeout',
]);

/** Options of a request that decide which certificates TLS accepts, shows and asks for. */
const OF_TLS = new Set([
  'ALPNProtocols',
  'allowPartialTrustChain',
  'ca',
  'cert',
  'ciphers',
  'clientCertEngine',
  'crl',
  'dhparam',
  'ecdhCurve',
  'enableTrace',
  'honorCipherOrder',
  'key',
  'maxVersion',
  'minDHSize',
  'minVersion',
  'passphrase',
  'pfx',
  'privateKeyEngine',
  'privateKeyIdentifier',
  'rejectUnauthorized',
  'requestOCSP',
  'secureContext',
  'secureOptions',
  'secureProtocol',
  'session',
  'sessionIdContext',
  'sigalgs',
]);

/** Functions that a request brings for its own connection. Usually each request has a new one. */
const OWN_OF_TLS = ['checkServerIdentity', 'ALPNCallback', 'SNICallback', 'pskCallback', 'socket'];

type Options = Readonly<Record<string, unknown>>;

/** How sockets are made. Equal profiles have the same name. */
export interface Profile {
  readonly name: string;
  readonly connect: Options;
}

/**
 * Whether a request asks for something that only Node's own agent can do: another way to its server, or another way to
 * trust it.
 */
export function needsNode(agent: NodeAgent, options: Options): boolean {
  const own = agent.options;
  if ((own.lookup ?? options.lookup) != null || (own.socketPath ?? options.socketPath)) return true;
  if ((own.localPort ?? options.localPort) != null) return true;
  // The agent says where all its requests go, or the request says where it may not go.
  if (own.host !== undefined || own.port !== undefined) return true;
  if (options.blockList !== undefined && own.blockList === undefined) return true;
  // Node's own agent says why it doesn't accept an option.
  if (isRefused(own, options)) return true;
  return (
    agent.protocol === 'https:' &&
    OWN_OF_TLS.some((name) => options[name] !== undefined && own[name] === undefined)
  );
}

/** The profiles of an agent, which may change its options at any time, and of its requests. */
export class Profiles {
  readonly #agent: NodeAgent;
  readonly #secure: boolean;
  /** The options of the agent at the last look. */
  readonly #own = new Seen();
  /** The options of the last request that had any. */
  readonly #more = new Seen();

  constructor(agent: NodeAgent) {
    this.#agent = agent;
    this.#secure = agent.protocol === 'https:';
  }

  /** The profile of a request. The options of its agent override its own. */
  of(options: RequestOptions): Profile {
    const { options: own } = this.#agent;
    // Without TLS, hardly any option matters.
    const isKnown = this.#secure ? this.#own.is(own, undefined) : this.#own.isStill(own);
    if (!isKnown) {
      this.#own.keep(own, undefined, profileOf(connectOptions(own)));
      this.#more.forget();
    }
    const { profile } = this.#own;
    const { localAddress } = options;
    const more = this.#secure ? tlsOptionsOf(options) : undefined;
    if (more === undefined && localAddress === undefined) return profile;
    const said = more ?? {};
    if (!this.#more.is(said, localAddress)) {
      const given = localAddress === undefined ? said : { ...said, localAddress };
      this.#more.keep(said, localAddress, profileOf({ ...given, ...profile.connect }));
    }
    return this.#more.profile;
  }
}

/** Options that were seen, and the profile that they gave. */
class Seen {
  profile: Profile = { name: '', connect: {} };
  #given: Options = {};
  #options: Options = {};
  #count = -1;
  #localAddress: unknown = undefined;

  is(options: Options, localAddress: unknown): boolean {
    if (localAddress !== this.#localAddress) return false;
    const before = this.#options;
    let count = 0;
    for (const name in options) {
      if (options[name] !== before[name]) return false;
      count++;
    }
    return count === this.#count;
  }

  /** Whether it is the same object, with the same values for what matters without TLS. */
  isStill(options: Options): boolean {
    return options === this.#given && options.localAddress === this.#options.localAddress;
  }

  keep(options: Options, localAddress: unknown, profile: Profile): void {
    this.#given = options;
    this.#options = { ...options };
    this.#count = Object.keys(options).length;
    this.#localAddress = localAddress;
    this.profile = profile;
  }

  forget(): void {
    this.#count = -1;
  }
}

function connectOptions(options: Options): Options {
  const given = Object.entries(options).filter(([name, value]) => value !== undefined && !OF_POOLS.has(name));
  const { keepAliveMsecs = 1_000 } = options;
  return { ...Object.fromEntries(given), keepAlive: true, keepAliveInitialDelay: keepAliveMsecs };
}

function tlsOptionsOf(options: Options): Record<string, unknown> | undefined {
  let found: Record<string, unknown> | undefined;
  for (const name in options) {
    if (!OF_TLS.has(name)) continue;
    const value = options[name];
    if (value === undefined) continue;
    found ??= {};
    found[name] = value;
  }
  return found;
}

function profileOf(connect: Options): Profile {
  const names = Object.keys(connect).sort();
  return { name: names.map((name) => `${name}=${textOf(connect[name])}`).join('\n'), connect };
}

/**
 * A text that is the same for values that mean the same to Node's agents. Functions are the same only if they are
 * identical.
 */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join()}]`;
  if (value instanceof Uint8Array) return textOf(Buffer.from(value).toString('latin1'));
  if (typeof value === 'function' || (typeof value === 'object' && value !== null)) return identityOf(value);
  return `${typeof value} ${value}`;
}
