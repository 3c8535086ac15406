import type { RecordWithTtl, SrvRecord } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import type { Families, Family } from './families.ts';
import type { FoundAddress } from './verdict.ts';

export interface QueryOptions {
  /** `ip`, `ip:port` or `[ip]:port`; none: the system's. */
  readonly servers: readonly string[];
  /** Milliseconds that a server has for an answer, each time. */
  readonly timeout: number;
  readonly attempts: number;
}

/** Where a name leads, in one address family. */
export interface Records {
  /** One at least, each of them once. */
  readonly addresses: readonly FoundAddress[];
  readonly family: Family;
  /** Milliseconds. */
  readonly ttl: number;
}

// As glibc has it, a server that answers so is passed over for the next.
const UNABLE = new Set(['ESERVFAIL', 'ENOTIMP', 'EREFUSED']);

/** What one look-up asks the name servers, by c-ares, which repeats over TCP what was cut short. */
export class Query {
  readonly #options: QueryOptions;
  readonly #resolvers: Resolver[] = [];
  #cancelled = false;

  constructor(options: QueryOptions, signal: AbortSignal) {
    this.#options = options;
    signal.addEventListener('abort', () => this.cancel(), { once: true });
    if (signal.aborted) this.cancel();
  }

  /**
   * Addresses of the first of the families that has one this host can reach; `undefined` if the name has
   * none. Throws when the servers fail to say.
   */
  async addresses(name: string, families: Families, first?: Family): Promise<Records | undefined> {
    let unreachable: Records | undefined;
    for (const family of families.startingWith(first)) {
      const answers = await this.#ask((resolver) =>
        family === 4 ? resolver.resolve4(name, { ttl: true }) : resolver.resolve6(name, { ttl: true }),
      );
      if (answers === 'no such name') break;
      const reachable = answers.filter(({ address }) => families.reaches(address));
      if (reachable.length > 0) return toRecords(reachable, family);
      if (answers.length > 0) unreachable ??= toRecords(answers, family);
    }
    return unreachable;
  }

  /** The name's SRV records; none if it has none. Throws when the servers fail to say. */
  async services(name: string): Promise<SrvRecord[]> {
    const answers = await this.#ask((resolver) => resolver.resolveSrv(name));
    return answers === 'no such name' ? [] : answers;
  }

  /** Lets go of what is still being asked, and asks no more. */
  cancel(): void {
    this.#cancelled = true;
    for (const resolver of this.#resolvers) resolver.cancel();
  }

  async #ask<T>(question: (resolver: Resolver) => Promise<T[]>): Promise<T[] | 'no such name'> {
    for (let next = 0; ; next++) {
      if (this.#cancelled) throw new Error('cancelled');
      try {
        return await question((this.#resolvers[next] ??= this.#resolver(next)));
      } catch (error) {
        const { code = '' } = error as NodeJS.ErrnoException;
        if (code === 'ENODATA') return [];
        // A name that can't be, because its search domain makes it too long, is not there either.
        if (code === 'ENOTFOUND' || code === 'EBADNAME') return 'no such name';
        if (!UNABLE.has(code) || next + 1 >= this.#options.servers.length) throw error;
      }
    }
  }

  /**
   * The first one goes through all servers, as long as they are silent or can't be reached; the others
   * have one server each, for questions that those before were unable to answer.
   */
  #resolver(index: number): Resolver {
    const { servers, timeout, attempts } = this.#options;
    // Without a maximum, the timeout doubles with each attempt.
    const resolver = new Resolver({ timeout, tries: attempts, maxTimeout: timeout });
    if (servers.length > 0) resolver.setServers(index === 0 ? servers : servers.slice(index, index + 1));
    return resolver;
  }
}

function toRecords(answers: readonly RecordWithTtl[], family: Family): Records {
  return {
    addresses: [...new Set(answers.map(({ address }) => address))].map((address) => ({ address })),
    family,
    ttl: Math.min(...answers.map(({ ttl }) => ttl)) * 1000,
  };
}
