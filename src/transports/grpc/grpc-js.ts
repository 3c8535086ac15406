/**
 * What evenkeel uses of @grpc/grpc-js: above all its experimental API, which may change with any minor version. All
 * that depends on it is here, for 1.10 to 1.14, and its types are in `grpc-js-api.ts`. A version that looks different
 * is refused.
 */

import type {
  ChannelArgs,
  ChannelHelper,
  ChannelPolicy,
  Experimental,
  GrpcModule,
  GrpcResolverClass,
  PickResult,
  ResolverListener,
  ServiceConfig,
  StatusObject,
} from './grpc-js-api.ts';
import { UNAVAILABLE } from './status-codes.ts';

export type * from './grpc-js-api.ts';

/** The module `@grpc/grpc-js`, as evenkeel gets it. */
export interface GrpcJs {
  /** Resolves `dns:` targets, and targets without a scheme. */
  readonly DnsResolver: GrpcResolverClass;
  registerResolver(scheme: string, resolver: GrpcResolverClass): void;
  /** Registers a policy. Returns its name. */
  registerPolicy(
    create: (helper: ChannelHelper) => ChannelPolicy,
    isConfig: (value: unknown) => boolean,
  ): string;
  /** The status of a call for which there is no endpoint. */
  unavailable(details: string): StatusObject;
}

/** The states of channels and subchannels. */
export const STATES = { IDLE: 0, CONNECTING: 1, READY: 2, TRANSIENT_FAILURE: 3 } as const;
/** The possible results of a pick. */
export const PICKS = { COMPLETE: 0, QUEUE: 1, TRANSIENT_FAILURE: 2 } as const;

/** The call waits until its channel reports a new state. */
export const QUEUED: PickResult = {
  pickResultType: PICKS.QUEUE,
  subchannel: null,
  status: null,
  onCallStarted: null,
  onCallEnded: null,
};

const FUNCTIONS = [
  'registerResolver',
  'createResolver',
  'registerLoadBalancerType',
  'isLoadBalancerNameRegistered',
  // Since 1.10, which introduced the present form of endpoints.
  'endpointHasAddress',
] as const;

/** Whether a value is grpc-js, in any version. */
export function isGrpcJs(value: unknown): boolean {
  const { experimental, Metadata, connectivityState, loadPackageDefinition } = members(value);
  return [experimental, Metadata, connectivityState, loadPackageDefinition].every((member) => member != null);
}

/** The parts of grpc-js that evenkeel uses; `undefined` if it doesn't know the version. */
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
  // Another copy of evenkeel would not understand the configurations of this copy.
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

    /** Before 1.13, the last parameter isn't the arguments of the channel, which adds its own. */
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

/** Whether a resolver's listener takes its results in a known way. */
export function isKnownListener(listener: unknown): listener is ResolverListener {
  return typeof listener === 'function' || typeof members(listener).onSuccessfulResolution === 'function';
}

/**
 * Whether a channel asks. Others want addresses, and need no policy: a server that listens, or the policies of `xds:`.
 * Only a channel takes a service config selector, and since 1.14 it has a method of its own.
 */
export function isOfChannel(listener: ResolverListener): boolean {
  if (typeof listener === 'function') return listener.name === 'bound handleResolverResult';
  return listener.onSuccessfulResolution.length === 5;
}

/** Tells a channel its service config. Also its endpoints, unless its policy brings them: evenkeel's does. */
export function tellConfig(
  listener: ResolverListener,
  config: ServiceConfig,
  endpoints: { addresses: object[] }[] = [],
): void {
  if (typeof listener === 'function')
    listener({ ok: true, value: endpoints }, {}, { ok: true, value: config }, '');
  else listener.onSuccessfulResolution(endpoints, config, null, null, {});
}

/** A listener of the same form as `listener`, which only hears the service configs that DNS has. */
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
