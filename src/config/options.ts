import type { ConnectionOptions } from 'node:tls';
import type { Client } from 'undici';
import type { Clock } from '../core/base/clock.ts';
import type { CallOptions } from './call-options.ts';
import type { ChoiceOptions } from './choice-options.ts';
import type { DiscoveryOptions } from './discovery-options.ts';
import type { Duration } from './duration.ts';
import type { HealthOptions } from './health-options.ts';
import type { PoolOptions } from './pool-options.ts';

/**
 * What `new BalancedAgent(options)` and `install(options)` take. Code beats environment variables, and they
 * beat defaults.
 */
export interface BalancedAgentOptions extends BalancingOptions, UndiciOptions {}

/** The options of all agents of evenkeel: those of each theme have a file of their own, and what is left is here. */
export interface BalancingOptions
  extends PoolOptions,
    ChoiceOptions,
    DiscoveryOptions,
    CallOptions,
    HealthOptions {
  /**
   * Which hosts evenkeel balances: patterns in which `*` stands for any characters. A pattern after a `!`
   * excludes hosts, and wins over the others; patterns with `!` alone exclude from the default. Requests to
   * other hosts go out as if evenkeel weren't there.
   * Default: all hosts. For an installed agent: hosts in the cluster or in private networks, and none if the
   * global dispatcher before it is no plain `Agent`.
   * Env: `EVENKEEL_HOSTS`, separated by commas.
   */
  hosts?: readonly string[];

  /**
   * Whether `install()` and the preload balance the requests of `node:http` and `node:https` too. axios, got,
   * node-fetch and many others use these. It changes nothing for agents that you make yourself.
   * Default `true`.
   * Env: `EVENKEEL_HTTP`.
   */
  http?: boolean;

  /**
   * Whether `install()` and the preload balance the calls of `@grpc/grpc-js` too, of every copy of it in the
   * process. It changes nothing for `installGrpc`.
   * Default `true`.
   * Env: `EVENKEEL_GRPC`.
   */
  grpc?: boolean;

  /**
   * How many origins evenkeel keeps. If there is one more, evenkeel drops the one that wasn't used for the
   * longest time, and its connections drain. For each origin, evenkeel also keeps at most 32 TLS server names,
   * in the same way.
   * An integer from 1 to 65,536; default `1024`; `Infinity` means 65,536.
   * Env: `EVENKEEL_MAX_ORIGINS`.
   */
  maxOrigins?: number;

  /**
   * How long evenkeel keeps a service that nobody calls. After that, its connections drain, and evenkeel
   * forgets it.
   * Milliseconds or a duration string, 1 ms or more; default `'5m'`.
   * Env: `EVENKEEL_ORIGIN_IDLE_TIMEOUT`.
   */
  originIdleTimeout?: Duration;

  /**
   * `1`: evenkeel keeps a connection for the next request. `0`: a connection carries one request, and closes.
   * More than 1 is refused, because several requests at a time on one HTTP/1.1 connection can't be balanced.
   * Default `1`.
   * Env: `EVENKEEL_PIPELINING`.
   */
  pipelining?: 0 | 1;

  /** Options for `tls.connect`, as undici's own agents take them. */
  tls?: ConnectionOptions;

  /**
   * Where evenkeel serves a live page about all agents of this process. A port means that port of `127.0.0.1`;
   * from elsewhere you reach it with `kubectl port-forward`. With `'<host>:<port>'`, such as `'0.0.0.0:9909'`,
   * Prometheus can scrape its `/metrics` from outside. If you set the option, evenkeel serves the page at once;
   * if you set the variable, when evenkeel balances the first request.
   * Default: none. `false`: none, even if the variable is set.
   * Env: `EVENKEEL_ADMIN`.
   */
  admin?: number | string | false;

  /**
   * The clock that evenkeel reads; for tests. undici's own timeouts still use real time.
   * Default: the system's monotonic clock.
   */
  clock?: Clock;

  /** The random numbers that evenkeel uses; for tests. Default `Math.random`. */
  random?: () => number;
}

type TimeOption =
  | 'bodyTimeout'
  | 'headersTimeout'
  | 'keepAliveMaxTimeout'
  | 'keepAliveTimeout'
  | 'keepAliveTimeoutThreshold';

/**
 * undici's own options. They mean what they mean in undici. Times may be duration strings. Numbers, strings and
 * booleans have variables too.
 */
type UndiciOptions = Omit<
  Client.Options,
  'connectTimeout' | 'maxRequestsPerClient' | 'pipelining' | 'tls' | TimeOption
> & { [Name in keyof Pick<Client.Options, TimeOption>]?: Duration };
