import { announce } from '../../admin/announce.ts';
import type { BalancingOptions } from '../../config/options.ts';
import type { Settings } from '../../config/settings.ts';
import type { LiveAgent } from '../../telemetry/live-agents.ts';
import type { ServiceStats } from '../../telemetry/stats.ts';
import { nameJudgeOf } from '../global/name-judge-of.ts';
import { ownership } from '../global/ownership.ts';
import { Verdicts } from '../global/verdicts.ts';
import { GrpcChannel, isPolicyConfig } from './channel.ts';
import { type GrpcJs, grpcJsOf } from './grpc-js.ts';
import { grpcStats } from './grpc-stats.ts';
import type { Hub } from './hub.ts';
import { Hubs } from './hubs.ts';
import type { GrpcOptions } from './options.ts';
import { resolverClasses, type Targets } from './resolver.ts';
import type { GrpcTarget } from './target.ts';

/** The original resolvers, and the name of the policy, for each copy of grpc-js that was ever taken over. */
const known = new WeakMap<object, { grpc: GrpcJs; policy: string }>();

/** What balances the new channels of each copy of grpc-js. */
const owners = new WeakMap<object, GrpcBalancing>();

/** Whether evenkeel balances the new channels of a copy of grpc-js. */
export function isBalanced(module: object): boolean {
  return owners.has(module);
}

let warnedOfVersion = false;

/** Warns, once, that evenkeel doesn't know a version of grpc-js. */
function warnOfVersion(): void {
  if (warnedOfVersion) return;
  warnedOfVersion = true;
  process.emitWarning(
    'evenkeel does not know this version of @grpc/grpc-js (it knows 1.10 to 1.14), and leaves its calls alone',
    { type: 'EvenkeelWarning', code: 'EVENKEEL_GRPC_VERSION' },
  );
}

/** The balancing of gRPC calls in this process, for one or more copies of grpc-js. */
export class GrpcBalancing implements Targets {
  readonly #hubs: Hubs;
  readonly #verdicts: Verdicts;
  readonly #modules = new Map<object, GrpcJs>();
  /** Held here, because it is held weakly elsewhere. */
  readonly #live: LiveAgent;
  #leave: (() => void) | undefined;

  constructor(settings: Settings, options: GrpcOptions | BalancingOptions) {
    this.#live = { name: 'grpc', settings, options: options as BalancingOptions, stats: () => this.stats };
    this.#hubs = new Hubs(settings);
    this.#verdicts = new Verdicts({
      judge: ownership({
        hosts: settings.hosts,
        claims: () => false,
        judgeName: nameJudgeOf(settings),
      }),
      clock: settings.clock,
      maxOrigins: settings.maxOrigins,
      timeout: settings.newsTimeout,
    });
  }

  /** What evenkeel knows about the pods of each target. */
  get stats(): Record<string, ServiceStats> {
    return Object.fromEntries(Array.from(this.#hubs, (hub) => [hub.origin, grpcStats(hub)]));
  }

  /** Leaves new channels to grpc-js. Channels that exist don't change. */
  uninstall(): void {
    for (const [module, grpc] of this.#modules) {
      grpc.registerResolver('dns', grpc.DnsResolver);
      owners.delete(module);
    }
    this.#modules.clear();
    this.#leave?.();
    this.#leave = undefined;
  }

  /** Balances the new channels of a copy of grpc-js. Returns false if evenkeel doesn't know its version. */
  take(module: object): boolean {
    const { grpc, policy } = known.get(module) ?? {};
    const found = grpc ?? grpcJsOf(module);
    if (found === undefined) {
      warnOfVersion();
      return false;
    }
    const before = owners.get(module);
    if (before !== undefined) before.#modules.delete(module);
    owners.set(module, this);
    const name = policy ?? found.registerPolicy((helper) => new GrpcChannel(found, helper), isPolicyConfig);
    known.set(module, { grpc: found, policy: name });
    const { dns, kube } = resolverClasses({ grpc: found, targets: this, policy: name });
    found.registerResolver('dns', dns);
    found.registerResolver('kube', kube);
    this.#modules.set(module, found);
    this.#leave ??= announce(this.#live);
    return true;
  }

  async judge({ hostname }: GrpcTarget): Promise<boolean> {
    const host = hostname.includes(':') ? `[${hostname}]` : hostname;
    const verdict = this.#verdicts.on(`http://${host}`);
    const { name } = verdict.name === 'pending' ? await verdict.settled : verdict;
    return name === 'managed';
  }

  hubOf(target: GrpcTarget | Error): Hub {
    return this.#hubs.of(target);
  }

  onUnknownVersion(): void {
    warnOfVersion();
  }
}
