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

/** What resolvers ask of the installation that they belong to. */
export interface Targets {
  /** Whether calls to a target are balanced. Never rejects. */
  judge(target: GrpcTarget): Promise<boolean>;
  /** @param target an error: what is wrong with it, which calls are to hear */
  hubOf(target: GrpcTarget | Error): Hub;
  /** grpc-js is of a version whose channels can't be told anything. */
  onUnknownVersion(): void;
}

interface Options {
  readonly grpc: GrpcJs;
  readonly targets: Targets;
  /** What the policy is called. */
  readonly policy: string;
}

/** The resolvers of `dns:` targets and those without a scheme, and of `kube:` targets. */
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

/** What a function returns, or what it throws. */
function attempt<T>(fn: () => T): T | Error {
  try {
    return fn();
  } catch (error) {
    return error as Error;
  }
}

/**
 * Resolves the target of one channel: hands it the policy with the hub that knows its endpoints, where it is ours, and is
 * grpc-js's own resolver where it isn't.
 */
class BalancedResolver implements GrpcResolver {
  readonly #options: Options;
  readonly #uri: GrpcUri;
  readonly #listener: ResolverListener;
  readonly #args: ChannelArgs;
  readonly #target: GrpcTarget | Error | undefined;
  readonly #isDns: boolean;
  /**
   * `left`: to grpc-js, for good. `unknown`: nobody has asked yet. `asked`. `ours`: for good. `foreign`: at present; it may be
   * that its name could not be looked up when it was asked, or has moved.
   */
  #verdict: 'left' | 'unknown' | 'asked' | 'ours' | 'foreign';
  /** grpc-js's own: for all, or for what DNS says of the calls of a target that is ours. */
  #own: GrpcResolver | undefined;
  #hub: Hub | undefined;
  /** Its channel knows the policy. */
  #isTold = false;
  /** Its channel is in use. */
  #isWanted = false;
  #config: ServiceConfig | undefined;

  /**
   * @param target what was found out of it; an error: what is wrong with it; `undefined`: it is not ours
   * @param isDns grpc-js has a resolver for it
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
      // Its channel changes from one policy to the other when that has connected.
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

  /** What DNS says of the calls of a channel goes over what its options say, as with grpc-js alone. */
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
