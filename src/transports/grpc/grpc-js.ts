/**
 * What is used of @grpc/grpc-js: its experimental API above all, which may change with any minor version. All that leans
 * on that stands here, for 1.10 to 1.14; what doesn't look like one of them is refused.
 */

import { UNAVAILABLE } from './status-codes.ts';

/** A message that is set apart from others by its class there, and made by what it has public. */
export interface Metadata {
  get(key: string): (string | Buffer)[];
}

export interface StatusObject {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

type StateListener = (
  subchannel: unknown,
  before: number,
  now: number,
  keepaliveTime: number,
  error?: string,
) => void;

/** A connection of grpc-js: one for each address, arguments and credentials, whoever in the process asks for it. */
export interface Subchannel {
  getConnectivityState(): number;
  addConnectivityStateListener(listener: StateListener): void;
  removeConnectivityStateListener(listener: StateListener): void;
  startConnecting(): void;
  getChannelzRef(): unknown;
  /** What is in there is private: see `session.ts`. */
  getRealSubchannel(): object;
  ref(): void;
  unref(): void;
}

export interface PickArgs {
  readonly metadata: Metadata;
}

export interface PickResult {
  readonly pickResultType: number;
  readonly subchannel: Subchannel | null;
  readonly status: StatusObject | null;
  readonly onCallStarted: (() => void) | null;
  /** Versions before 1.14 say the code alone. */
  readonly onCallEnded: ((code: number, details?: string, metadata?: Metadata) => void) | null;
}

export interface GrpcPicker {
  pick(args: PickArgs): PickResult;
}

export type ChannelArgs = Readonly<Record<string, unknown>>;

/** What a load balancer asks of its channel. */
export interface ChannelHelper {
  createSubchannel(address: { host: string; port: number }, args: ChannelArgs, credentials: null): Subchannel;
  updateState(state: number, picker: GrpcPicker, error: string | null): void;
  addChannelzChild(child: unknown): void;
  removeChannelzChild(child: unknown): void;
}

export interface GrpcUri {
  readonly scheme?: string | undefined;
  readonly authority?: string | undefined;
  readonly path: string;
}

/** As grpc-js keeps it once it is checked. */
export interface ServiceConfig {
  readonly loadBalancingConfig: readonly object[];
  readonly methodConfig: readonly object[];
  readonly retryThrottling?: object;
}

export interface GrpcResolver {
  updateResolution(): void;
  destroy(): void;
}

export interface GrpcResolverClass {
  new (target: GrpcUri, listener: ResolverListener, options: ChannelArgs): GrpcResolver;
  getDefaultAuthority(target: GrpcUri): string;
}

interface StatusOr<T> {
  readonly ok: boolean;
  readonly value?: T;
}

/** A function since 1.14, an object before. */
export type ResolverListener =
  | ((
      endpoints: StatusOr<unknown[]>,
      attributes: object,
      config: StatusOr<ServiceConfig> | null,
      note: string,
    ) => boolean)
  | {
      onSuccessfulResolution(
        endpoints: unknown[],
        config: ServiceConfig | null,
        configError: StatusObject | null,
        selector: null,
        attributes: object,
      ): void;
      onError(error: StatusObject): void;
    };

/** What balances the calls of one channel. */
export interface ChannelPolicy {
  /** Has it begin, with the arguments that its subchannels are to have. */
  start(given: unknown, args: ChannelArgs): void;
  destroy(): void;
}

/** The class that grpc-js makes load balancers of, and the one that it reads their configuration with. */
interface Experimental {
  registerResolver(scheme: string, resolver: GrpcResolverClass): void;
  createResolver(target: GrpcUri, listener: ResolverListener, options: ChannelArgs): GrpcResolver;
  registerLoadBalancerType(name: string, balancer: unknown, config: unknown): void;
  isLoadBalancerNameRegistered(name: string): boolean;
  readonly PickResultType: Readonly<Record<string, unknown>>;
}

interface GrpcModule {
  readonly experimental: Experimental;
  readonly connectivityState: Readonly<Record<string, unknown>>;
  readonly Metadata: new () => Metadata;
}

/** The module that is `@grpc/grpc-js`, as it is given to us. */
export interface GrpcJs {
  /** What resolves `dns:` targets, and those without a scheme. */
  readonly DnsResolver: GrpcResolverClass;
  registerResolver(scheme: string, resolver: GrpcResolverClass): void;
  /** Registers a policy, and says what it is called. */
  registerPolicy(
    create: (helper: ChannelHelper) => ChannelPolicy,
    isConfig: (value: unknown) => boolean,
  ): string;
  /** The status of a call that nobody is there for. */
  unavailable(details: string): StatusObject;
}

/** The states of channels and subchannels. */
export const STATES = { IDLE: 0, CONNECTING: 1, READY: 2, TRANSIENT_FAILURE: 3 } as const;
/** What a pick may come to. */
export const PICKS = { COMPLETE: 0, QUEUE: 1, TRANSIENT_FAILURE: 2 } as const;

const FUNCTIONS = [
  'registerResolver',
  'createResolver',
  'registerLoadBalancerType',
  'isLoadBalancerNameRegistered',
  // Since 1.10, with whose shape of endpoints all that follows began.
  'endpointHasAddress',
] as const;

/** Whether a value is grpc-js, of any version. */
export function isGrpcJs(value: unknown): boolean {
  const { experimental, Metadata, connectivityState, loadPackageDefinition } = members(value);
  return [experimental, Metadata, connectivityState, loadPackageDefinition].every((member) => member != null);
}

/** What there is to use of grpc-js; `undefined` for a version that is not known. */
export function grpcJsOf(value: unknown): GrpcJs | undefined {
  if (!isGrpcJs(value)) return undefined;
  const { experimental, connectivityState: states, Metadata } = value as GrpcModule;
  if (FUNCTIONS.some((name) => typeof members(experimental)[name] !== 'function')) return undefined;
  if (!has(states, STATES) || !has(experimental.PickResultType, PICKS)) return undefined;
  const DnsResolver = dnsResolverOf(experimental);
  if (DnsResolver === undefined) return undefined;
  return {
    DnsResolver,
    registerResolver: (scheme, resolver) => experimental.registerResolver(scheme, resolver),
    registerPolicy: (create, isConfig) => registerPolicy(experimental, create, isConfig),
    unavailable: (details) => ({ code: UNAVAILABLE, details, metadata: new Metadata() }),
  };
}

function has(
  members: Readonly<Record<string, unknown>>,
  expected: Readonly<Record<string, number>>,
): boolean {
  return Object.entries(expected).every(([name, value]) => members[name] === value);
}

function dnsResolverOf({ createResolver }: Experimental): GrpcResolverClass | undefined {
  const target = { scheme: 'dns', authority: '', path: 'localhost:1' };
  const { constructor: found } = createResolver(target, () => true, {});
  return typeof members(found).getDefaultAuthority === 'function' ? (found as GrpcResolverClass) : undefined;
}

function registerPolicy(
  experimental: Experimental,
  create: (helper: ChannelHelper) => ChannelPolicy,
  isConfig: (value: unknown) => boolean,
): string {
  let name = 'evenkeel';
  // Another copy of evenkeel knows nothing of what this one's configurations mean.
  while (experimental.isLoadBalancerNameRegistered(name)) name += '_';

  class PolicyConfig {
    readonly value: unknown;

    constructor(value: unknown) {
      this.value = value;
    }

    static createFromJson(value: unknown): PolicyConfig {
      if (!isConfig(value)) throw new Error(`${name} can't be chosen by hand: it comes with the target`);
      return new PolicyConfig(value);
    }

    getLoadBalancerName(): string {
      return name;
    }

    toJsonObject(): object {
      return { [name]: {} };
    }
  }

  class PolicyBalancer {
    readonly #policy: ChannelPolicy;

    constructor(helper: ChannelHelper) {
      this.#policy = create(helper);
    }

    /** Before 1.13 the last are no arguments of the channel's, which adds its own. */
    updateAddressList(_endpoints: unknown, config: unknown, args: ChannelArgs): boolean {
      if (!(config instanceof PolicyConfig)) return false;
      this.#policy.start(config.value, args);
      return true;
    }

    exitIdle(): void {}

    resetBackoff(): void {}

    destroy(): void {
      this.#policy.destroy();
    }

    getTypeName(): string {
      return name;
    }
  }

  experimental.registerLoadBalancerType(name, PolicyBalancer, PolicyConfig);
  return name;
}

/** Whether what a resolver is to tell takes it in a way that is known. */
export function isKnownListener(listener: unknown): listener is ResolverListener {
  return typeof listener === 'function' || typeof members(listener).onSuccessfulResolution === 'function';
}

/**
 * Whether it is a channel that asks. Others want addresses, and have no use for a policy: a server that is to listen on one,
 * or the policies of `xds:`. A channel alone takes a service config selector, and since 1.14 a method of its own.
 */
export function isOfChannel(listener: ResolverListener): boolean {
  if (typeof listener === 'function') return listener.name === 'bound handleResolverResult';
  return listener.onSuccessfulResolution.length === 5;
}

/** Tells a channel its service configuration, and the endpoints that its policy doesn't bring along: ours does. */
export function tellConfig(
  listener: ResolverListener,
  config: ServiceConfig,
  endpoints: { addresses: object[] }[] = [],
): void {
  if (typeof listener === 'function')
    listener({ ok: true, value: endpoints }, {}, { ok: true, value: config }, '');
  else listener.onSuccessfulResolution(endpoints, config, null, null, {});
}

/** A listener, of the kind that the given one is, that hears only of the service configurations found in DNS. */
export function configListener(
  like: ResolverListener,
  onConfig: (config: ServiceConfig) => void,
): ResolverListener {
  if (typeof like === 'function') {
    return (_endpoints, _attributes, config) => {
      if (config?.ok && config.value !== undefined) onConfig(config.value);
      return true;
    };
  }
  return {
    onSuccessfulResolution(_endpoints, config) {
      if (config !== null) onConfig(config);
    },
    onError() {},
  };
}

function members(value: unknown): Readonly<Record<string, unknown>> {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isObject ? (value as Record<string, unknown>) : {};
}
