import { LRUCache } from 'lru-cache';
import { connectorOptions } from '../../config/client-options.ts';
import { type HostRule, hostRule } from '../../config/hosts.ts';
import type { Settings } from '../../config/settings.ts';
import { SocketMocks } from '../common/socket-mocks.ts';

/** The origins that the option `hosts` excludes; all, if there is a Unix socket, or while a mock replaces sockets. */
export class ForeignOrigins {
  readonly #mocks: SocketMocks;
  readonly #excluded: Excluded | undefined = undefined;

  constructor(settings: Settings) {
    this.#mocks = new SocketMocks(settings);
    const rule = ruleOf(settings);
    if (rule !== undefined) this.#excluded = new Excluded(rule, settings.maxOrigins);
  }

  has(origin: string | URL | undefined): boolean {
    if (this.#mocks.areActive) return true;
    return this.#excluded?.has(origin) === true;
  }
}

class Excluded {
  readonly #rule: HostRule;
  readonly #known: LRUCache<string, boolean>;

  constructor(rule: HostRule, maxOrigins: number) {
    this.#rule = rule;
    this.#known = new LRUCache({ max: maxOrigins });
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

/** `undefined` if no origin is excluded. */
function ruleOf({ hosts, client }: Settings): HostRule | undefined {
  const { path, socketPath } = connectorOptions(client);
  if (client.socketPath || path || socketPath) return () => false;
  return hosts === undefined ? undefined : hostRule(hosts);
}
