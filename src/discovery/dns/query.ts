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
// So is one that says nothing, or isn't there; it is asked again in the next round.
const UNHEARD = new Set(['ETIMEOUT', 'ECONNREFUSED']);

/** What one look-up asks the name servers, by c-ares, which repeats over TCP what was cut short. */
export class Query {
  readonly #options: QueryOptions;
  /** One for each server, made when it is asked. */
  readonly #resolvers: (Resolver | undefined)[];
  #cancelled = false;

  constructor(options: QueryOptions, signal: AbortSignal) {
    this.#options = options;
    this.#resolvers = Array<undefined>(Math.max(1, options.servers.length)).fill(undefined);
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
    for (const resolver of this.#resolvers) resolver?.cancel();
  }

  /** Asks one server after the other, and those that weren't heard as often as there are attempts. */
  async #ask<T>(question: (resolver: Resolver) => Promise<T[]>): Promise<T[] | 'no such name'> {
    const { attempts } = this.#options;
    let left = [...this.#resolvers.keys()];
    let failure: unknown;
    for (let attempt = 0; attempt < attempts && left.length > 0; attempt++) {
      const unheard: number[] = [];
      for (const server of left) {
        if (this.#cancelled) throw new Error('cancelled');
        try {
          return await question(this.#resolver(server));
        } catch (error) {
          const { code = '' } = error as NodeJS.ErrnoException;
          if (code === 'ENODATA') return [];
          // A name that can't be, because its search domain makes it too long, is not there either.
          if (code === 'ENOTFOUND' || code === 'EBADNAME') return 'no such name';
          if (UNHEARD.has(code)) unheard.push(server);
          else if (!UNABLE.has(code)) throw error;
          // That one was silent says most: whoever else asks will wait for it, too.
          if (failure === undefined || code === 'ETIMEOUT') failure = error;
        }
      }
      left = unheard;
    }
    throw failure;
  }

  /** Asks one of the servers, once for each question. */
  #resolver(index: number): Resolver {
    const resolver = this.#resolvers[index];
    if (resolver !== undefined) return resolver;
    const { servers, timeout } = this.#options;
    const made = new Resolver({ timeout, tries: 1, maxTimeout: timeout });
    if (servers.length > 0) made.setServers(servers.slice(index, index + 1));
    this.#resolvers[index] = made;
    return made;
  }
}

function toRecords(answers: readonly RecordWithTtl[], family: Family): Records {
  return {
    addresses: [...new Set(answers.map(({ address }) => address))].map((address) => ({ address })),
    family,
    ttl: Math.min(...answers.map(({ ttl }) => ttl)) * 1000,
  };
}
