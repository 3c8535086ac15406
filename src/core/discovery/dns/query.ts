import type { RecordWithTtl, SrvRecord } from 'node:dns';
import type { Resolver } from 'node:dns/promises';
import type { Families, Family } from './families.ts';
import { InTurn, type InTurnOptions, isInability } from './in-turn.ts';
import type { FoundAddress } from './look-up-result.ts';

/** Where a name leads, in one address family. */
export interface Records {
  /** One at least, each of them once. */
  readonly addresses: readonly FoundAddress[];
  readonly family: Family;
  /** Milliseconds. */
  readonly ttl: number;
}

/** What one look-up asks the name servers, by c-ares, which repeats over TCP what was cut short. */
export class Query {
  readonly #options: InTurnOptions;
  readonly #asking = new Set<Pick<InTurn<unknown>, 'end'>>();
  #cancelled = false;

  constructor(options: InTurnOptions, signal: AbortSignal) {
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
    let failure: unknown;
    for (const family of families.startingWith(first)) {
      let answers: RecordWithTtl[] | 'no such name';
      try {
        answers = await this.#ask((resolver) =>
          family === 4 ? resolver.resolve4(name, { ttl: true }) : resolver.resolve6(name, { ttl: true }),
        );
      } catch (error) {
        // Some servers fail for the one family of a name that has the other.
        if (first !== undefined || !isInability(error)) throw error;
        failure ??= error;
        continue;
      }
      if (answers === 'no such name') break;
      const reachable = answers.filter(({ address }) => families.reaches(address));
      if (reachable.length > 0) return toRecords(reachable, family);
      if (answers.length > 0) unreachable ??= toRecords(answers, family);
    }
    if (unreachable === undefined && failure !== undefined) throw failure;
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
    for (const asking of this.#asking) asking.end();
  }

  async #ask<T>(question: (resolver: Resolver) => Promise<T[]>): Promise<T[] | 'no such name'> {
    if (this.#cancelled) throw new Error('cancelled');
    const asking = new InTurn(this.#options, question);
    this.#asking.add(asking);
    try {
      return await asking.result;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENODATA') return [];
      // A name that can't be, because its search domain makes it too long, is not there either.
      if (code === 'ENOTFOUND' || code === 'EBADNAME') return 'no such name';
      throw error;
    } finally {
      this.#asking.delete(asking);
    }
  }
}

function toRecords(answers: readonly RecordWithTtl[], family: Family): Records {
  return {
    addresses: [...new Set(answers.map(({ address }) => address))].map((address) => ({ address })),
    family,
    ttl: Math.min(...answers.map(({ ttl }) => ttl)) * 1000,
  };
}
