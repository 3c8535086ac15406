import { announce } from '../../admin/announce.ts';
import { hostName } from '../../core/base/host.ts';
import type { Resolver } from '../../core/discovery/resolver.ts';
import type { Service, ServiceOwner } from '../../core/service.ts';
import type { LiveAgent } from '../../telemetry/live-agents.ts';
import { type ServiceStats, statsOf } from '../../telemetry/stats.ts';
import { judgeOf } from '../global/judge-of.ts';
import { type Known, Verdicts } from '../global/verdicts.ts';
import { sharedResolverFor } from '../resolver-for.ts';
import { ConnectService } from './connect-service.ts';
import { ConnectTransport } from './connect-transport.ts';
import type { SessionSettings } from './options.ts';
import { textOf } from './same.ts';

const MANAGED: Known = { name: 'managed' };

/** The services of this process, by all settings that they depend on. Held weakly: those who use them keep them. */
const shared = new Map<string, WeakRef<ConnectServices>>();
let made = 0;

/**
 * The services for these settings. All who ask for the same settings share them, so that the calls to a target are
 * counted together.
 */
export function sharedServicesFor(wanted: SessionSettings): ConnectServices {
  const { own: _, ...decisive } = wanted;
  const name = textOf(decisive);
  const known = shared.get(name)?.deref();
  if (known !== undefined) return known;
  for (const [other, ref] of shared) if (ref.deref() === undefined) shared.delete(other);
  const services = new ConnectServices(wanted, () => shared.delete(name));
  shared.set(name, new WeakRef(services));
  return services;
}

/** The services for calls of connect-node, for all session managers with the same options. */
export class ConnectServices implements ServiceOwner {
  readonly #wanted: SessionSettings;
  readonly #onEnd: () => void;
  readonly #resolver: Resolver;
  readonly #identity = `${hostName()} ${process.pid} connect ${++made}`;
  readonly #services = new Map<string, ConnectService>();
  /** Services that nobody has used for a while, and that drain. */
  readonly #leaving = new Set<ConnectService>();
  readonly #verdicts: Verdicts | undefined;
  /** Held here, because it is held weakly elsewhere. */
  readonly #live: LiveAgent;
  readonly #leave: () => void;
  #users = 0;

  constructor(wanted: SessionSettings, onEnd: () => void) {
    const { settings, own } = wanted;
    this.#wanted = wanted;
    this.#onEnd = onEnd;
    this.#resolver = sharedResolverFor(settings);
    const { hosts, discovery, clock, maxOrigins, newsTimeout } = settings;
    // With a resolver of the user's and without `hosts`, all hosts are balanced.
    if (hosts !== undefined || typeof discovery !== 'function') {
      this.#verdicts = new Verdicts({ judge: judgeOf(settings), clock, maxOrigins, timeout: newsTimeout });
    }
    this.#live = { name: 'connect', settings, options: own, stats: () => this.stats };
    this.#leave = announce(this.#live);
  }

  /** Used by one more session manager, until `leave`. */
  join(): void {
    this.#users++;
  }

  /** @returns when all has ended, if no session manager uses them any more */
  async leave(): Promise<void> {
    if (--this.#users > 0) return;
    this.#onEnd();
    this.#leave();
    const services = new Set([...this.#services.values(), ...this.#leaving]);
    this.#services.clear();
    await Promise.all(Array.from(services, (service) => service.close()));
  }

  /** Whether calls to an origin are balanced. */
  verdictOn(origin: string): Known {
    return this.#verdicts?.on(origin) ?? MANAGED;
  }

  /** The service of an origin, if there is one. */
  find(origin: string): ConnectService | undefined {
    return this.#services.get(origin);
  }

  /** The service of an origin. Makes one if there is none. */
  of(origin: string): ConnectService {
    let service = this.#services.get(origin);
    if (service === undefined) {
      const { settings, nodeOptions, idleConnectionTimeoutMs, pings } = this.#wanted;
      const url = new URL(origin);
      const transport = new ConnectTransport({
        url,
        clock: settings.clock,
        nodeOptions,
        connectTimeout: settings.connectTimeout,
        keepAlive: idleConnectionTimeoutMs,
        pings: { ...pings },
      });
      service = new ConnectService(
        { url, settings, resolver: this.#resolver, transport, identity: this.#identity },
        this,
      );
      this.#services.set(origin, service);
    }
    return service;
  }

  /** What evenkeel knows about the pods of each origin. */
  get stats(): Record<string, ServiceStats> {
    return Object.fromEntries(Array.from(this.#services, ([origin, service]) => [origin, statsOf(service)]));
  }

  onConnectionError(): void {}

  onDrain(): void {}

  onIdle(service: Service): void {
    const known = this.#services.get(service.key);
    if (known !== service) return;
    this.#services.delete(service.key);
    this.#leaving.add(known);
    void known.close().then(() => this.#leaving.delete(known));
  }
}
