import { setImmediate } from '../../core/base/clock.ts';
import type { PolicyConfig } from './channel.ts';
import {
  type ChannelArgs,
  configListener,
  type GrpcJs,
  type GrpcResolver,
  type GrpcResolverClass,
  type GrpcUri,
  isKnownListener,
  isOfChannel,
  type ResolverListener,
  type ServiceConfig,
  tellConfig,
} from './grpc-js.ts';
import type { Hub } from './hub.ts';
import { hasPolicyOfItsOwn, normalizedConfig } from './service-config.ts';
import { dnsTarget, type GrpcTarget, isHostNamedKube, kubeAuthority, kubeTarget } from './target.ts';

/** What resolvers ask the balancing that they belong to. */
export interface Targets {
  /** Whether calls to a target are balanced. Never rejects. */
  judge(target: GrpcTarget): Promise<boolean>;
  /** @param target or an error that says what is wrong with it, and that calls fail with */
  hubOf(target: GrpcTarget | Error): Hub;
  /** This version of grpc-js has channels that evenkeel doesn't know. */
  onUnknownVersion(): void;
}

interface Options {
  readonly grpc: GrpcJs;
  readonly targets: Targets;
  /** The name of the policy. */
  readonly policy: string;
}

/** The resolver classes: for `dns:` targets and targets without a scheme, and for `kube:` targets. */
export function resolverClasses(options: Options): { dns: GrpcResolverClass; kube: GrpcResolverClass } {
  const { DnsResolver } = options.grpc;

  class BalancedDnsResolver extends BalancedResolver {
    constructor(uri: GrpcUri, listener: ResolverListener, args: ChannelArgs) {
      super(options, uri, listener, args, dnsTarget(uri, args), true);
    }

    static getDefaultAuthority(uri: GrpcUri): string {
      return DnsResolver.getDefaultAuthority(uri);
    }
  }

  class KubeResolver extends BalancedResolver {
    constructor(uri: GrpcUri, listener: ResolverListener, args: ChannelArgs) {
      const host = isHostNamedKube(uri) ? { scheme: 'dns', path: `kube:${uri.path}` } : undefined;
      if (host === undefined)
        super(
          options,
          uri,
          listener,
          args,
          attempt(() => kubeTarget(uri)),
          false,
        );
      else super(options, host, listener, args, dnsTarget(host, args), true);
    }

    static getDefaultAuthority(uri: GrpcUri): string {
      return isHostNamedKube(uri) ? `kube:${uri.path}` : kubeAuthority(uri);
    }
  }

  return { dns: BalancedDnsResolver, kube: KubeResolver };
}

/** What a function returns, or the error that it throws. */
function attempt<T>(fn: () => T): T | Error {
  try {
    return fn();
  } catch (error) {
    return error as Error;
  }
}

/**
 * Resolves the target of one channel. If evenkeel balances it, gives the channel the policy, with the hub that knows
 * the endpoints. If not, works as grpc-js's own resolver.
 */
class BalancedResolver implements GrpcResolver {
  readonly #options: Options;
  readonly #uri: GrpcUri;
  readonly #listener: ResolverListener;
  readonly #args: ChannelArgs;
  readonly #target: GrpcTarget | Error | undefined;
  readonly #isDns: boolean;
  /**
   * `left`: for good, to grpc-js. `unknown`: nobody has asked yet. `asked`. `ours`: for good. `foreign`: at present;
   * perhaps its name could not be looked up, or will lead elsewhere later.
   */
  #verdict: 'left' | 'unknown' | 'asked' | 'ours' | 'foreign';
  /** grpc-js's own resolver: for everything, or only for the service config that DNS has for a balanced target. */
  #own: GrpcResolver | undefined;
  #hub: Hub | undefined;
  /** Whether its channel knows the policy. */
  #isTold = false;
  /** Whether its channel is in use. */
  #isWanted = false;
  #config: ServiceConfig | undefined;

  /**
   * @param target the parsed target; an error that says what is wrong with it; or `undefined` if evenkeel leaves it
   * alone
   * @param isDns whether grpc-js has a resolver for it
   */
  constructor(
    options: Options,
    uri: GrpcUri,
    listener: ResolverListener,
    args: ChannelArgs,
    target: GrpcTarget | Error | undefined,
    isDns: boolean,
  ) {
    const isKnown = isKnownListener(listener);
    if (!isKnown) options.targets.onUnknownVersion();
    this.#options = options;
    this.#uri = uri;
    this.#listener = listener;
    this.#args = args;
    this.#target = target;
    this.#isDns = isDns;
    const isLeft =
      target === undefined ||
      !isKnown ||
      (isDns && (!isOfChannel(listener) || hasPolicyOfItsOwn(args['grpc.service_config'])));
    this.#verdict = isLeft ? 'left' : isDns ? 'unknown' : 'ours';
  }

  updateResolution(): void {
    this.#isWanted = true;
    switch (this.#verdict) {
      case 'left':
        this.#leave();
        break;
      case 'foreign':
        this.#leave();
        void this.#ask(this.#target as GrpcTarget);
        break;
      case 'ours':
        this.#resolve();
        break;
      case 'unknown':
        this.#verdict = 'asked';
        void this.#ask(this.#target as GrpcTarget);
    }
  }

  destroy(): void {
    this.#isWanted = false;
    this.#isTold = false;
    this.#own?.destroy();
  }

  async #ask(target: GrpcTarget): Promise<void> {
    const isOurs = await this.#options.targets.judge(target);
    const before = this.#verdict;
    if (!isOurs && before === 'foreign') return;
    this.#verdict = isOurs ? 'ours' : 'foreign';
    if (before === 'foreign') {
      // Its channel changes to the other policy when that one has connected.
      this.#own?.destroy();
      this.#own = undefined;
    }
    if (this.#isWanted) this.updateResolution();
  }

  #leave(): void {
    this.#own ??= this.#grpcResolver(this.#listener);
    this.#own.updateResolution();
  }

  #resolve(): void {
    if (this.#isDns && this.#args['grpc.service_config_disable_resolution'] !== 1) {
      this.#own ??= this.#grpcResolver(configListener(this.#listener, (config) => this.#onConfig(config)));
      this.#own.updateResolution();
    }
    this.#hub?.discovery.demand();
    if (this.#isTold) return;
    this.#isTold = true;
    setImmediate(() => {
      if (this.#isWanted) this.#tell();
    });
  }

  #grpcResolver(listener: ResolverListener): GrpcResolver {
    return new this.#options.grpc.DnsResolver(this.#uri, listener, this.#args);
  }

  /** The service config from DNS overrides the one in the channel's options, as with grpc-js alone. */
  #onConfig(config: ServiceConfig): void {
    this.#config = config;
    if (this.#isTold && this.#isWanted) this.#tell();
  }

  #tell(): void {
    const { targets, policy } = this.#options;
    const target = this.#target as GrpcTarget | Error;
    this.#hub = targets.hubOf(target);
    const config = this.#config ?? normalizedConfig(this.#args['grpc.service_config']);
    const balancing: PolicyConfig = { hub: this.#hub, args: this.#args };
    tellConfig(this.#listener, { ...config, loadBalancingConfig: [{ [policy]: balancing }] });
  }
}
