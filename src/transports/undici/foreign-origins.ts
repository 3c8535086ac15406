import { LRUCache } from 'lru-cache';
import { connectorOptions } from '../../config/client-options.ts';
import { type HostRule, hostRule } from '../../config/hosts.ts';
import type { Settings } from '../../config/settings.ts';

/** The origins that the option `hosts` excludes; all, if there is a Unix socket. */
export class ForeignOrigins {
  readonly #rule: HostRule;
  readonly #known: LRUCache<string, boolean>;

  constructor(rule: HostRule, maxOrigins: number) {
    this.#rule = rule;
    this.#known = new LRUCache({ max: maxOrigins });
  }

  /** `undefined` if no origin can be foreign. */
  static from({ hosts, client, maxOrigins }: Settings): ForeignOrigins | undefined {
    const { path, socketPath } = connectorOptions(client);
    if (client.socketPath || path || socketPath) return new ForeignOrigins(() => false, maxOrigins);
    return hosts === undefined ? undefined : new ForeignOrigins(hostRule(hosts), maxOrigins);
  }

  has(origin: string | URL | undefined): boolean {
    const name = String(origin);
    let foreign = this.#known.get(name);
    if (foreign === undefined) {
      foreign = URL.canParse(name) && this.#rule(new URL(name).hostname) === false;
      this.#known.set(name, foreign);
    }
    return foreign;
  }
}
